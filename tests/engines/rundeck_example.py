"""Holds a file of Rundeck jobs against rundeck.schema.json, which is ours: Rundeck publishes none.

rundeck_example.py FILE    says what is wrong, one fault a line, and ends with 1; otherwise says nothing
"""

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

VERBS = ["stage", "refresh", "publish", "check", "settle"]


def schema_faults(jobs: Any) -> Iterator[str]:
    """What the schema has against it."""
    schema = json.loads(Path(__file__).with_name("rundeck.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    for error in Draft202012Validator(schema).iter_errors(jobs):
        yield f"{error.json_path}: {error.message}"


def softlanding_faults(jobs: list[dict[str, Any]]) -> Iterator[str]:
    """What softlanding needs: every verb once, in order, of one publish; never two executions; a stop at the first failure."""
    calls = [shlex.split(command["exec"]) for job in jobs for command in job["sequence"]["commands"]]
    verbs = [verb for call in calls for verb in call[2:]]
    if verbs != VERBS:
        yield f"the verbs are {verbs}, not {VERBS}"
    if len({tuple(call[:2]) for call in calls}) != 1:
        yield "the jobs do not drive the same publish with the same program"
    for job in jobs:
        if job.get("multipleExecutions", False) or job["sequence"]["keepgoing"]:
            yield f"{job['name']}: one execution at a time that stops at the first failure is expected"
    if len({job.get("uuid") for job in jobs}) != len(jobs):
        yield "each job needs a uuid of its own"


def main() -> None:
    """The command line."""
    jobs = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    found = list(schema_faults(jobs)) or list(softlanding_faults(jobs))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
