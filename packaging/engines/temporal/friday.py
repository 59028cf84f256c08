"""One run of softlanding as a Temporal workflow: stage, refresh, publish, check, settle.

Must never: look at a clock, a file or a process; the workflow is replayed from its history, and the work is the activity's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from softlanding_step import VERBS, Answer, Ending, week_run
    from steps import Step, step

# Longest wait between two calls: a worker whose clock was set is noticed within it.
WAIT_MAX = timedelta(minutes=10)
# `publish` waits for T itself, and `check` for the last straggler.
STEP_MAX = timedelta(hours=12)
# A worker that gives no sign of life for so long is taken for dead, and the verb is called on another.
SILENCE_MAX = timedelta(seconds=30)
# Refused, in doubt and to be approved are not retried: `steps.py` raises them as such.
RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=10), backoff_coefficient=1.5, maximum_interval=timedelta(minutes=1), maximum_attempts=60
)


@dataclass
class Friday:
    """What is driven."""

    publish: str
    """A [[publish]] entry of softlanding's configuration."""
    run: str | None = None
    """The run's name; without it, the publish and the ISO week in which the workflow started."""
    at: str | None = None
    """The instant of the publish; without it, the calendar's next one."""
    zone: str = "America/Chicago"


@workflow.defn(name="softlanding")
class DriveFriday:
    """Asks each verb until it is done. A replay, a new attempt or another worker only asks again: the journal decides."""

    @workflow.run
    async def drive(self, friday: Friday) -> str:
        """Drives one run to its end; its name."""
        run = friday.run or week_run(friday.publish, workflow.now(), friday.zone)
        for verb in VERBS:
            while (answer := await ask(Step(verb, run, friday.publish, friday.at))).ending is Ending.NOT_YET:
                await workflow.sleep(answer.wait(workflow.now(), WAIT_MAX))
        return run


async def ask(wanted: Step) -> Answer:
    """One verb, as an activity."""
    return await workflow.execute_activity(
        step,
        wanted,
        summary=wanted.verb,
        start_to_close_timeout=STEP_MAX,
        heartbeat_timeout=SILENCE_MAX,
        retry_policy=RETRY,
    )
