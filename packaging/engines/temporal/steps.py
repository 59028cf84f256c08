"""The activity of the Temporal example: one call of `softlanding step`.

Must never: retry by itself; Temporal does, and only what may be tried again.
"""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from softlanding_step import Answer, Ending, call


@dataclass
class Step:
    """What one call is asked."""

    verb: str
    run: str
    publish: str
    at: str | None = None


@activity.defn(name="softlanding-step")
def step(wanted: Step) -> Answer:
    """One call, with a heartbeat every few seconds. When the workflow is cancelled, the call is interrupted as by Ctrl-C."""
    answer = call(wanted.verb, wanted.run, wanted.publish, wanted.at, alive=activity.heartbeat)
    if answer.ending is Ending.TRY_AGAIN:
        raise ApplicationError(str(answer), type="may-be-tried-again")
    if answer.ending is Ending.STOP:
        raise ApplicationError(str(answer), answer.code, type="needs-somebody", non_retryable=True)
    return answer
