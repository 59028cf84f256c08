"""Holds a crontab against python-crontab, and its lines against what softlanding needs.

cron_example.py FILE    says what is wrong, one fault a line, and ends with 1; otherwise says nothing
"""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from crontab import CronTab

VERBS = ["stage", "refresh", "publish", "check", "settle"]


def faults(text: str) -> Iterator[str]:
    """What is wrong with a crontab."""
    read = CronTab(tab=text)
    for line in read.lines:
        if isinstance(line, str) and line.strip() and not line.lstrip().startswith("#") and "=" not in line:
            yield f"not a line of a crontab: {line}"
    jobs = [job for job in read if job.is_enabled()]
    verbs = []
    for job in jobs:
        if not job.is_valid():
            yield f"not a time: {job.slices}"
        if job.stdin:
            yield f"cron ends a command at a %: {job.command}%{job.stdin}"
        program, quiet, publish, *asked = shlex.split(job.command)
        if (program, quiet, publish) != ("softlanding-drive", "-q", "care"):
            yield f"not a quiet drive of care: {job.command}"
        verbs += asked
    if verbs != VERBS:
        yield f"the verbs are {verbs}, not {VERBS}"


def main() -> None:
    """The command line."""
    found = list(faults(Path(sys.argv[1]).read_text(encoding="utf-8")))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
