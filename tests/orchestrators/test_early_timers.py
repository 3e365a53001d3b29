"""Durable timers fire up to a second early, or late: the timer decides, and no execution begins before it is due."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from batch.errors import ErrorCode
from batch.run.state import Run
from functions_host.durable.clock import VirtualClock
from functions_host.durable.hub_options import HubOptions
from functions_host.durable.store.store import Store
from functions_host.durable.task_hub import DurableTaskHub
from packages.functions_host.tests.durable.sdk_worker import SdkWorker
from tests.batch.builders import after, request
from tests.orchestrators.execution import THIS_VERSION, Execution, Handle
from tests.orchestrators.steps import CANCEL, IDENTITY, JOB, RUNNING, custom_status, error, started, waiting

BUSY = error(ErrorCode.SERVICE_UNAVAILABLE, "It is busy.", retryable=True, retry_after=300)
BROKEN_CLOCK = -7.0
"""Far earlier than any known timer fires: even then the timer decides."""

whenever = pytest.mark.parametrize("late", [BROKEN_CLOCK, -0.999, 0.0, 0.5, 3_600.0])


def fired(execution: Execution, late: float) -> Execution:
    """The execution after the timer, however early or late it fires."""
    execution.fire(late)
    return execution.next()


@whenever
@pytest.mark.parametrize("steps", [[], [IDENTITY]], ids=["authorizing", "submitting"])
def test_the_next_try_is_made_whenever_its_timer_fires(handle: Handle, steps: list[Any], late: float) -> None:
    execution = started(handle, request(timeout=86_400))
    for step in steps:
        execution.complete(step)
    assert execution.complete(BUSY).waits
    name, given = fired(execution, late).answer.activity
    assert name == "authorize" or given["purpose"] == "submit"


@whenever
def test_the_deadline_has_come_when_its_timer_fires(handle: Handle, late: float) -> None:
    execution = fired(waiting(handle, request(timeout=60)), late)
    assert execution.complete(RUNNING, after=0).activity == CANCEL


@whenever
def test_the_deadline_of_a_run_without_a_job_has_come_when_its_timer_fires(
    handle: Handle, late: float
) -> None:
    execution = started(handle, request(timeout=60))
    execution.complete(IDENTITY)
    assert execution.complete(BUSY).waits
    assert execution.timer_at == after(60)
    execution = fired(execution, late)
    assert execution.answer.activity[1]["purpose"] == "find"
    answer = execution.complete({"absent": True}, after=0)
    assert (answer.ended, answer.code, custom_status(answer)["phase"]) == (True, "timed_out", "TimedOut")


@whenever
def test_the_queue_budget_is_used_up_when_its_timer_fires(handle: Handle, late: float) -> None:
    queued = {"status": "Queued"}
    execution = fired(waiting(handle, request(queue_timeout=30), queued), late)
    assert execution.complete(queued, after=0).activity == CANCEL


@whenever
def test_the_grace_of_a_cancel_is_over_when_its_timer_fires(handle: Handle, late: float) -> None:
    execution = fired(waiting(handle, request(timeout=60, poll_interval=3_600)), 0)
    execution.complete(RUNNING)
    execution.complete({"accepted": True})
    while execution.timer_at < after(60 + 600):
        execution = fired(execution, 0)
        if not execution.complete(RUNNING).waits:
            execution.complete({"accepted": True})
    answer = fired(execution, late).complete(RUNNING, after=0)
    assert (answer.ended, custom_status(answer)["phase"]) == (True, "TimedOut")
    assert "could not be canceled" in str(answer.error)


def test_a_nudge_is_not_a_timer(handle: Handle) -> None:
    """It arrives just before the timer fires: the step is not due yet."""
    execution = started(handle)
    execution.complete(IDENTITY)
    execution.complete(BUSY)
    execution.nudge(after=299.9)
    assert execution.next().answer.activity[1]["purpose"] == "notice_cancel"


class TickingClock(VirtualClock):
    """Virtual time in which work takes time: a millisecond passes between two looks at the clock."""

    def now(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return super().now()


class Engine:
    """The run's orchestrator on the local engine, with activities whose answers a test sets."""

    def __init__(self, handle: Handle, store: Path) -> None:
        self.answers: dict[str, Callable[[Any], Any]] = {
            "authorize": lambda _: IDENTITY,
            "invoke": lambda _: JOB,
            "check_status": lambda _: RUNNING,
            "locate_outputs": lambda _: {"nothing_known": True},
            "record_end": lambda _: {"recorded": True},
        }
        self.calls: list[tuple[str, datetime]] = []
        self.clock = TickingClock()
        self.worker = SdkWorker()
        self.worker._orchestrators["batch_run"] = ("batch_run", handle)
        for name in self.answers:
            self._add(name)

        self._store = Store(store)
        self.hub = DurableTaskHub(
            self._store, self.worker, HubOptions(default_version=THIS_VERSION), self.clock
        )
        self.hub.begin()

    def _add(self, name: str) -> None:
        def activity(given: Any) -> Any:
            self.calls.append((name, self.clock.now()))
            return self.answers[name](given)

        activity.__name__ = name
        self.worker.activity(activity)

    @property
    def executions(self) -> int:
        started = [context["history"][1] for context in self.worker.contexts]
        return len({event["OrchestrationInstance"]["ExecutionId"] for event in started})

    async def run(self, **asked: Any) -> None:
        given = json.dumps(json.dumps(Run(request=request(**asked)).to_json()))
        instance_id = await self.hub.start("batch_run", given, "r-1")
        await self.hub.wait(instance_id, 30)

    async def stop(self) -> None:
        await self.hub.stop()
        self._store.close()


@pytest.fixture
async def engine(handle: Handle, tmp_path: Path) -> AsyncIterator[Engine]:
    engine = Engine(handle, tmp_path / "hub.db")
    yield engine
    await engine.stop()


async def test_a_run_that_waits_for_its_next_attempt_is_executed_once_in_that_time(engine: Engine) -> None:
    """Five minutes, as Retry-After asks; then it submits, and its job ends at the first check."""
    answers = iter([BUSY, JOB])
    engine.answers["invoke"] = lambda _: next(answers)
    engine.answers["check_status"] = lambda _: {"status": "Completed", "cancel_requested": False}
    await engine.run()

    first, second = (at for name, at in engine.calls if name == "invoke")
    assert timedelta(seconds=300) <= second - first < timedelta(seconds=302)
    assert engine.executions == 2, "the one that waits, and the one that follows the wait"
    assert [name for name, _ in engine.calls] == [
        *("authorize", "invoke", "invoke", "check_status", "locate_outputs", "record_end")
    ]


@pytest.mark.parametrize("interval", [1, 2, 60, 3_600])
async def test_each_wait_between_two_checks_is_one_execution_and_not_shorter_than_asked(
    engine: Engine, interval: int
) -> None:
    statuses = iter(["Queued", *["Running"] * 8, "Completed"])
    engine.answers["check_status"] = lambda _: {"status": next(statuses), "cancel_requested": False}
    await engine.run(poll_interval=interval)

    checks = [at for name, at in engine.calls if name == "check_status"]
    pauses = [later - earlier for earlier, later in pairwise(checks)]
    assert all(timedelta(seconds=interval) <= pause < timedelta(seconds=interval + 2) for pause in pauses)
    assert engine.executions == len(checks) == 10


@pytest.mark.parametrize("failure", [BUSY, error(ErrorCode.SERVICE_UNAVAILABLE, "It is.", retryable=True)])
async def test_a_run_that_never_submits_ends_at_its_timeout_with_few_executions(
    engine: Engine, failure: Any
) -> None:
    """Each execution makes a try: none begins before it is due."""
    engine.answers["invoke"] = lambda given: {"absent": True} if given["purpose"] == "find" else failure
    await engine.run(timeout=3_600)

    tries = sum(name == "invoke" for name, _ in engine.calls)
    # The last two: one looks for a job past the deadline, and one raises the reason.
    assert engine.executions == tries + 1
    assert tries <= 25
