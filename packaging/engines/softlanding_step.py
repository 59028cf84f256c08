"""Calls one verb of `softlanding step` and says how it ended. Needs nothing but the standard library.

Must never: call a verb again by itself, or judge an answer; when to ask again is the engine's, once-only is the journal's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

VERBS = ("stage", "refresh", "publish", "check", "settle")
# Between two signs of life while a verb is under way; `publish` waits for T itself.
SIGN_OF_LIFE_S = 5.0
# The wait after "not yet" when nobody can say until when, as while another process is at the same run.
UNSAID = timedelta(seconds=20)


class Ending(StrEnum):
    """What an exit code of `softlanding step` asks of its caller."""

    DONE = "done"
    NOT_YET = "not_yet"
    TRY_AGAIN = "try_again"
    STOP = "stop"


@dataclass(frozen=True)
class Answer:
    """How one call ended."""

    verb: str
    run: str
    code: int
    """The exit code; below zero, the signal that killed the call."""
    why: str = ""
    again_at: datetime | None = None
    """With `NOT_YET`: when to call again, where that can be said."""

    @property
    def ending(self) -> Ending:
        """The exit codes of softlanding's README, as orders. An unknown one stops: better asked than guessed."""
        if self.code == 0:
            return Ending.DONE
        if self.code == 75:
            return Ending.NOT_YET
        # Access, or killed by somebody else's signal: every verb may be repeated at any time.
        if self.code == 6 or (self.code < 0 and self.code != -signal.SIGINT):
            return Ending.TRY_AGAIN
        return Ending.STOP

    def wait(self, now: datetime, longest: timedelta) -> timedelta:
        """How long to wait before the next call: until `again_at`, at least a second, never longer than `longest`."""
        again = UNSAID if self.again_at is None else self.again_at - now
        return max(timedelta(seconds=1), min(again, longest))

    def __str__(self) -> str:
        return f"{self.run}: {self.verb} ended with {self.code}: {self.why or 'no reason given'}"


def week_run(publish: str, moment: datetime, zone: str) -> str:
    """The name of the run of `publish` in the week of `moment`, such as `care-2026-W48`: the same whoever asks in that week."""
    week = moment.astimezone(ZoneInfo(zone)).isocalendar()
    return f"{publish}-{week.year}-W{week.week:02}"


def call(
    verb: str,
    run: str,
    publish: str,
    at: str | None = None,
    alive: Callable[[], None] = lambda: None,
) -> Answer:
    """Runs `softlanding step VERB` to its end; `alive` is called every few seconds meanwhile.

    When `alive` raises, the call is interrupted as by Ctrl-C, which leaves the run as the journal has it. The program is
    `$SOFTLANDING` or `softlanding`; it reads `$SOFTLANDING_CONFIG` itself. Its words for people go to standard error.
    """
    command = [os.environ.get("SOFTLANDING", "softlanding"), "step", verb, "--run", run, "--json"]
    if verb == "stage":
        command += ["--publish", publish] + (["--at", at] if at else [])
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            return read(verb, run, said(process, alive), process.returncode)
        except BaseException:
            process.send_signal(signal.SIGINT)
            raise


def said(process: subprocess.Popen[str], alive: Callable[[], None]) -> str:
    """What a process prints until its end."""
    while True:
        try:
            return process.communicate(timeout=SIGN_OF_LIFE_S)[0]
        except subprocess.TimeoutExpired:
            alive()


def read(verb: str, run: str, text: str, code: int) -> Answer:
    """The answer in what a call printed. The code decides; without a document there is no reason, and nothing else is lost."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    document = document if isinstance(document, dict) else {}
    return Answer(verb, run, code, str(document.get("why") or ""), instant(document.get("again_at")))


def instant(text: Any) -> datetime | None:
    """An instant such as `2026-11-27T22:00:00Z`; `None` for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
