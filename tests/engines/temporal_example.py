"""Holds packaging/engines/temporal against Temporal's own SDK, without a server.

    temporal_example.py SCRIPTED           SCRIPTED stands in for softlanding; answers and calls are kept in the working folder

The activity is run in the SDK's activity environment. The workflow is replayed by the SDK, in its sandbox, from histories that
are written here: a replay fails unless the workflow asks for exactly what the history says it asked for. What a server would
add (that the schedule fires, that a dead worker's activity goes to another) is Temporal's, and not shown here.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from temporalio import activity, workflow
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import (
    Interceptor,
    Replayer,
    StartActivityInput,
    UnsandboxedWorkflowRunner,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from friday import DriveFriday, Friday
from softlanding_step import VERBS, Answer, Ending
from steps import Step, step
from worker import TASK_QUEUE, weekly

RUN = "care-2026-W48"
# Thursday 09:00 Central, when the schedule starts the workflow.
BEGIN = datetime(2026, 11, 26, 15, tzinfo=timezone.utc)
CONVERTER = DataConverter.default.payload_converter


# The activity.

CASES = [
    ('0 {"run":"r","step":"check","status":"done"}', "done"),
    ('75 {"status":"not_yet","again_at":"2026-11-27T21:59:00Z"}', "not yet, again at 2026-11-27 21:59:00+00:00"),
    ('6 {"status":"access","why":"no store"}', "may-be-tried-again, retried"),
    ("KILLED {}", "may-be-tried-again, retried"),
    ('4 {"status":"refused","why":"the schedule has changed"}', "needs-somebody, final: the schedule has changed"),
    ('5 {"status":"in_doubt","why":"no answer"}', "needs-somebody, final: no answer"),
    ('8 {"status":"needs_a_person","why":"to be approved"}', "needs-somebody, final: to be approved"),
    ("3 ", "needs-somebody, final: no reason given"),
    ("77 {}", "needs-somebody, final: no reason given"),
]


async def in_words(environment: ActivityEnvironment) -> str:
    """How one call of the activity ended."""
    try:
        with ThreadPoolExecutor(1) as thread:
            running = asyncio.get_running_loop().run_in_executor(thread, environment.run, step, Step("check", "r", "care"))
            answer = await running
    except ApplicationError as error:
        retried = ", retried" if not error.non_retryable else f", final: {error.message.split(': ')[-1]}"
        return f"{error.type}{retried}"
    return "done" if answer.ending is Ending.DONE else f"not yet, again at {answer.again_at}"


async def check_activity() -> None:
    """Each exit code becomes what Temporal is to make of it."""
    for answer, expected in CASES:
        Path("answers").write_text(answer + "\n")
        Path("calls").write_text("")
        found = await in_words(ActivityEnvironment())
        assert found == expected, f"{answer}: expected {expected!r}, found {found!r}"
        calls = Path("calls").read_text()
        assert calls == "step check --run r --json\n", calls


# The workflow.


@dataclass
class History:
    """A history in the words of Temporal's API, as its server would have written it."""

    events: list[dict[str, Any]]
    at: datetime = BEGIN

    def add(self, kind: str, attributes: dict[str, Any]) -> int:
        """One event; its number."""
        number = len(self.events) + 1
        words = kind.split("_")
        name = words[0].lower() + "".join(word.capitalize() for word in words[1:]) + "EventAttributes"
        when = self.at.isoformat().replace("+00:00", "Z")
        self.events.append({"eventId": str(number), "eventTime": when, "eventType": f"EVENT_TYPE_{kind}", name: attributes})
        return number

    def turn(self) -> int:
        """The workflow wakes up, is asked, and answers; the number of its answer."""
        scheduled = self.add("WORKFLOW_TASK_SCHEDULED", {"taskQueue": {"name": TASK_QUEUE}})
        started = self.add("WORKFLOW_TASK_STARTED", {"scheduledEventId": str(scheduled)})
        return self.add("WORKFLOW_TASK_COMPLETED", {"scheduledEventId": str(scheduled), "startedEventId": str(started)})

    def begin(self, friday: Friday) -> int:
        """The workflow has been started."""
        attributes = {"workflowType": {"name": "softlanding"}, "taskQueue": {"name": TASK_QUEUE}, "input": payloads(friday)}
        self.add("WORKFLOW_EXECUTION_STARTED", {**attributes, "attempt": 1, "originalExecutionRunId": "r"})
        return self.turn()

    def call(self, asked_at: int, name: str, wanted: Step) -> dict[str, str]:
        """The activity has been asked for, and is under way."""
        attributes = {"activityId": name, "activityType": {"name": "softlanding-step"}, "input": payloads(wanted)}
        more = {"taskQueue": {"name": TASK_QUEUE}, "workflowTaskCompletedEventId": str(asked_at)}
        scheduled = self.add("ACTIVITY_TASK_SCHEDULED", {**attributes, **more})
        started = self.add("ACTIVITY_TASK_STARTED", {"scheduledEventId": str(scheduled), "attempt": 1})
        return {"scheduledEventId": str(scheduled), "startedEventId": str(started)}

    def answer(self, call: dict[str, str], answer: Answer) -> int:
        """The activity has ended well."""
        self.at += timedelta(seconds=2)
        self.add("ACTIVITY_TASK_COMPLETED", {**call, "result": payloads(answer)})
        return self.turn()

    def refuse(self, call: dict[str, str], why: str) -> int:
        """The activity has ended for good."""
        failure = {"message": why, "applicationFailureInfo": {"type": "needs-somebody", "nonRetryable": True}}
        self.add("ACTIVITY_TASK_FAILED", {**call, "failure": failure, "retryState": "RETRY_STATE_NON_RETRYABLE_FAILURE"})
        return self.turn()

    def wait(self, asked_at: int, timer: str, length: timedelta) -> int:
        """A timer has been asked for, and has gone off."""
        more = {"startToFireTimeout": f"{length.total_seconds():g}s", "workflowTaskCompletedEventId": str(asked_at)}
        started = self.add("TIMER_STARTED", {"timerId": timer, **more})
        self.at += length
        self.add("TIMER_FIRED", {"timerId": timer, "startedEventId": str(started)})
        return self.turn()


def payloads(value: Any) -> dict[str, Any]:
    """A value as a history holds it."""
    return {"payloads": [MessageToDict(payload) for payload in CONVERTER.to_payloads([value])]}


def whole_friday(skip: str = "") -> History:
    """A Friday on which `refresh` is called too early once, and the verb `skip` is never asked for."""
    history = History([])
    asked_at = history.begin(Friday("care"))
    numbers: Iterator[int] = iter(range(1, 10))
    for verb in VERBS:
        if verb == skip:
            continue
        wanted = Step(verb, RUN, "care")
        if verb == "refresh":
            early = Answer(verb, RUN, 75, again_at=history.at + timedelta(minutes=3, seconds=2))
            asked_at = history.answer(history.call(asked_at, str(next(numbers)), wanted), early)
            asked_at = history.wait(asked_at, "1", timedelta(minutes=3))
        asked_at = history.answer(history.call(asked_at, str(next(numbers)), wanted), Answer(verb, RUN, 0))
    history.add("WORKFLOW_EXECUTION_COMPLETED", {"workflowTaskCompletedEventId": str(asked_at), "result": payloads(RUN)})
    return history


def refused_friday() -> History:
    """A Friday on which staging is refused: nothing else is asked."""
    history = History([])
    asked_at = history.begin(Friday("care"))
    asked_at = history.refuse(history.call(asked_at, "1", Step("stage", RUN, "care")), "no draft matches")
    failure = {"message": "Activity task failed", "activityFailureInfo": {}}
    history.add("WORKFLOW_EXECUTION_FAILED", {"workflowTaskCompletedEventId": str(asked_at), "failure": failure})
    return history


class Listening(Interceptor):
    """Keeps what the workflow asks for: a replay compares how often it asks and how long it waits, but not with what words."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def workflow_interceptor_class(self, _input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """The SDK wants a class, made anew for each workflow."""
        asked = self.asked

        class Outbound(WorkflowOutboundInterceptor):
            def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
                asked.append(input.args[0].verb)
                return super().start_activity(input)

        class Inbound(WorkflowInboundInterceptor):
            def init(self, outbound: WorkflowOutboundInterceptor) -> None:
                super().init(Outbound(outbound))

        return Inbound


async def replay(history: History, **options: Any) -> BaseException | None:
    """What the SDK has against a history; the sandbox and the definition are checked on the way."""
    kept = WorkflowHistory.from_json("softlanding-care", {"events": history.events})
    replayer = Replayer(workflows=[DriveFriday], **options)
    return (await replayer.replay_workflow(kept, raise_on_replay_failure=False)).replay_failure


async def check_workflow() -> None:
    """The workflow asks what it should, waits on durable timers, and stops when it is refused."""
    whole = ["stage", "refresh", "refresh", "publish", "check", "settle"]
    for history, expected in [(whole_friday(), whole), (refused_friday(), ["stage"])]:
        failure = await replay(history)
        assert failure is None, f"{expected}: {failure}"
        listening = Listening()
        # What is heard in the sandbox stays there.
        await replay(history, workflow_runner=UnsandboxedWorkflowRunner(), interceptors=[listening])
        assert listening.asked == expected, f"{listening.asked}"
    failure = await replay(whole_friday(skip="check"))
    assert isinstance(failure, workflow.NondeterminismError), f"a verb too few must be noticed, found {failure!r}"


def check_definitions() -> None:
    """The SDK takes the schedule and the definitions as they are."""
    assert weekly("care").spec.time_zone_name == "America/Chicago"
    assert activity._Definition.must_from_callable(step).name == "softlanding-step"
    assert workflow._Definition.must_from_class(DriveFriday).name == "softlanding"


async def main() -> None:
    """All checks; the first that fails ends it."""
    os.environ |= {"SOFTLANDING": sys.argv[1], "ANSWERS": "answers", "CALLS": "calls"}
    await check_activity()
    check_definitions()
    await check_workflow()
    print("the SDK takes it")


if __name__ == "__main__":
    asyncio.run(main())
