"""The worker of the Temporal example, and the schedule that starts a run each week.

    python worker.py                           works for the task queue `softlanding`
    python worker.py --schedule care           first sees to it that a run of `care` starts on Thursdays at 09:00 Central

`TEMPORAL_ADDRESS` (localhost:7233) and `TEMPORAL_NAMESPACE` (default) say where the server is. Needs softlanding_step.py,
from the folder above, beside it or on PYTHONPATH.
Must never: run where the configuration and the journal of softlanding are not the same as those of the other workers.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.worker import Worker

from friday import DriveFriday, Friday
from steps import step

TASK_QUEUE = "softlanding"
# One call per run under way; two business units on one Friday need two.
CALLS_MAX = 8


def weekly(publish: str) -> Schedule:
    """A run each Thursday at 09:00 Central, never two at once."""
    start = ScheduleActionStartWorkflow(DriveFriday.drive, Friday(publish), id=f"softlanding-{publish}", task_queue=TASK_QUEUE)
    return Schedule(
        action=start,
        spec=ScheduleSpec(cron_expressions=["0 9 * * THU"], time_zone_name="America/Chicago"),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )


async def work(publish: str | None) -> None:
    """Works until it is stopped."""
    address = os.environ.get("TEMPORAL_ADDRESS", "localhost:7233")
    client = await Client.connect(address, namespace=os.environ.get("TEMPORAL_NAMESPACE", "default"))
    if publish:
        try:
            await client.create_schedule(f"softlanding-{publish}", weekly(publish))
        except ScheduleAlreadyRunningError:
            print(f"the schedule softlanding-{publish} is there already, and is left as it is")
    with ThreadPoolExecutor(CALLS_MAX) as threads:
        worker = Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[DriveFriday],
            activities=[step],
            activity_executor=threads,
            max_concurrent_activities=CALLS_MAX,
        )
        await worker.run()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Drives runs of softlanding for a Temporal server.")
    parser.add_argument("--schedule", metavar="PUBLISH", help="start a run of this [[publish]] entry each week")
    asyncio.run(work(parser.parse_args().schedule))


if __name__ == "__main__":
    main()
