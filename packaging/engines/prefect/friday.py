"""One run of softlanding as a Prefect flow: stage, refresh, publish, check, settle.

    python friday.py care                       drives this week's run of the [[publish]] entry `care` once
    python friday.py care --serve               stays, and drives one each Thursday from 09:00 Central

Needs softlanding_step.py, from the folder above, beside it or on PYTHONPATH.
Must never: remember what was done. A flow that was killed is started again and asks every verb from the first; the journal
knows which of them are done, and that the publish happened.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import datetime, timedelta, timezone

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.schedules import Cron

from softlanding_step import VERBS, Answer, Ending, call, week_run

ZONE = os.environ.get("SOFTLANDING_ZONE", "America/Chicago")
# Longest wait between two calls: a machine whose clock was set is noticed within it.
WAIT_MAX_S = float(os.environ.get("WAIT_MAX_S", "600"))
# After a call that may be tried again: the pause, and how often in a row.
RETRY_S = float(os.environ.get("RETRY_S", "20"))
TRIES_MAX = int(os.environ.get("TRIES_MAX", "9"))


class Unfinished(RuntimeError):
    """A verb that could not be done now."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer))
        self.code = answer.code


class MayBeTriedAgain(Unfinished):
    """The host, the credentials or the store could not be reached, or the call was killed."""


class NeedsSomebody(Unfinished):
    """Refused for safety, in doubt, to be approved, or wrongly configured: a repetition would not help."""


def worth_another_try(_task: object, _run: TaskRun, state: State) -> bool:
    """Whether Prefect may retry a task that has failed."""
    return isinstance(state.result(raise_on_failure=False), MayBeTriedAgain)


@task(
    task_run_name="{verb}",
    retries=TRIES_MAX,
    retry_delay_seconds=RETRY_S,
    retry_condition_fn=worth_another_try,
    # A verb is never skipped because an earlier flow has a result of it: the journal is asked.
    cache_policy=NO_CACHE,
    persist_result=False,
)
def step(verb: str, run: str, publish: str, at: str | None) -> Answer:
    """One call. Returns when the verb is done or it is too early for it."""
    answer = call(verb, run, publish, at)
    if answer.ending is Ending.TRY_AGAIN:
        raise MayBeTriedAgain(answer)
    if answer.ending is Ending.STOP:
        raise NeedsSomebody(answer)
    return answer


@flow(name="softlanding", flow_run_name="{publish}", persist_result=False)
def friday(publish: str, run: str | None = None, at: str | None = None) -> str:
    """Drives one run to its end; its name. Without `run` it is this week's, the same for every flow that drives it."""
    run = run or week_run(publish, datetime.now(timezone.utc), ZONE)
    for verb in VERBS:
        while (answer := step(verb, run, publish, at)).ending is Ending.NOT_YET:
            wait = answer.wait(datetime.now(timezone.utc), timedelta(seconds=WAIT_MAX_S))
            get_run_logger().info("%s: not yet; again in %d s", verb, wait.total_seconds())
            time.sleep(wait.total_seconds())
    return run


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Drives a run of softlanding as a Prefect flow.")
    parser.add_argument("publish", help="a [[publish]] entry of softlanding's configuration")
    parser.add_argument("--run", help="the run's name; without it, the publish and the ISO week")
    parser.add_argument("--at", help="the instant of the publish; without it, the calendar's next one")
    parser.add_argument("--serve", action="store_true", help="stay, and drive one run each week from Thursday 09:00 on")
    chosen = parser.parse_args()
    if chosen.serve:
        weekly = Cron("0 9 * * Thu", timezone=ZONE)
        friday.serve(name=chosen.publish, schedules=[weekly], parameters={"publish": chosen.publish}, limit=1)
        return
    try:
        friday(chosen.publish, chosen.run, chosen.at)
    except Unfinished as problem:
        print(problem, file=sys.stderr)
        sys.exit(problem.code if problem.code > 0 else 6)


if __name__ == "__main__":
    main()
