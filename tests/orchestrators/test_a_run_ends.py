"""Whatever Azure answers, a run ends in time: the orchestrator on a virtual clock, with answers by chance."""

import json
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from batch.api.request import RunRequest
from batch.errors import ErrorCode, RunError, RunFailed
from batch.run.next_step import CANCEL_GRACE, MIN_INTERVAL
from batch.run.state import Run
from batch.run.submission import Purpose
from tests.batch.builders import START, WORKSPACE_ID, request
from tests.orchestrators.execution import Handle

STEP_TAKES_AT_MOST = 20
EARLY_AT_MOST = 1
LATE_AT_MOST = 5
SLACK = timedelta(seconds=2 * (4 * STEP_TAKES_AT_MOST + LATE_AT_MOST))
"""Of the steps under way when the timeout strikes, and of those when the grace of its cancel ends."""

ENDED = ("Completed", "Failed", "Canceled")
GOING_ON = (
    "NotStarted",
    "Queued",
    "Preparing",
    "Running",
    "Finalizing",
    "NotResponding",
    "Paused",
    "Dreaming",
)


class Timer:
    def __init__(self, fires_at: datetime) -> None:
        self.fires_at = fires_at
        self.canceled = False

    def cancel(self) -> None:
        self.canceled = True


@dataclass(frozen=True)
class Activity:
    name: str
    given: dict[str, Any]


class Azure:
    """Answers by chance; ``trouble`` is the share of steps that fail, ``ends`` that of checks with an end."""

    def __init__(self, random: Random, trouble: float, ends: float) -> None:
        self.random, self.trouble, self.ends = random, trouble, ends
        self.last_status: str | None = None
        self.asked_to: set[str] = set()

    def answer(self, asked: Activity) -> dict[str, Any]:
        """Raises what an activity raises that broke."""
        activity = asked.name
        self.asked_to.add(asked.given.get("purpose", activity))
        asked_to_cancel = (
            {"cancel_requested": self.random.random() < 0.02} if activity == "check_status" else {}
        )
        if self.random.random() < self.trouble:
            if self.random.random() < 0.2:
                raise ValueError(f"Activity function '{activity}' failed:  TimeoutError")
            return {"error": self._error().to_json(), **asked_to_cancel}
        if activity == "authorize":
            return {"identity": {"client_id": "c"}}
        if activity == "invoke":
            return self._invoked(Purpose(asked.given["purpose"]))
        if activity == "cancel_job":
            return {"accepted": True}
        self.last_status = self.random.choice(ENDED if self.random.random() < self.ends else GOING_ON)
        return {"status": self.last_status, **asked_to_cancel}

    def _invoked(self, purpose: Purpose) -> dict[str, Any]:
        if self.random.random() < 0.05:
            return {"canceled": True}
        if purpose is Purpose.NOTICE_CANCEL:
            return {"unchanged": True}
        if purpose is Purpose.FIND and self.random.random() < 0.5:
            return {"absent": True}
        job = {
            "name": "batchjob-1",
            "status": "Preparing",
            "workspace_id": WORKSPACE_ID,
            "studio_url": None,
        }
        return {"job": job}

    def _error(self) -> RunError:
        if self.random.random() < 0.8:
            wait = self.random.choice([None, 1.0, 600.0, 3_600.0])
            return RunError(ErrorCode.SERVICE_UNAVAILABLE, "Busy.", retryable=True, retry_after=wait)
        return RunError(self.random.choice(list(ErrorCode)), "Odd.", retryable=self.random.random() < 0.8)


class VirtualHost:
    """Stands for the durable context of one execution, and drives it; time passes only here."""

    instance_id = "r-1"
    is_replaying = False

    def __init__(self, azure: Azure, given: str, now: datetime, told: dict[str, Any] | None = None) -> None:
        self.azure, self.given, self.current_utc_datetime = azure, given, now
        self.activities: list[Activity] = []
        self.timers: list[Timer] = []
        self.continued_with: str | None = None
        self.told: dict[str, Any] = told or {}

    def next(self) -> "VirtualHost":
        assert self.continued_with is not None
        return VirtualHost(self.azure, self.continued_with, self.current_utc_datetime, self.told)

    def get_input(self) -> Any:
        return json.loads(self.given)

    def set_custom_status(self, status: dict[str, Any]) -> None:
        self.told = json.loads(json.dumps(status))

    def call_activity(self, name: str, given: dict[str, Any]) -> Activity:
        return Activity(name, json.loads(json.dumps(given)))

    def signal_entity(self, entity: object, operation: str, given: object = None) -> None:
        json.dumps(given)

    def create_timer(self, fires_at: datetime) -> Timer:
        assert fires_at > self.current_utc_datetime, "a timer in the past"
        self.timers.append(Timer(fires_at))
        return self.timers[-1]

    def wait_for_external_event(self, name: str) -> str:
        return f"event {name}"

    def task_any(self, tasks: list[Any]) -> list[Any]:
        return tasks

    def continue_as_new(self, given: object) -> None:
        self.continued_with = json.dumps(given)

    def play(self, orchestration: Generator[Any, Any, Any]) -> Any:
        """Its result; raises what it raises."""
        try:
            task = next(orchestration)
            while True:
                task = self._step(orchestration, task)
        except StopIteration as end:
            latest = self.current_utc_datetime + timedelta(seconds=EARLY_AT_MOST)
            assert all(timer.canceled or timer.fires_at <= latest for timer in self.timers)
            return end.value

    def _step(self, orchestration: Generator[Any, Any, Any], task: Any) -> Any:
        random = self.azure.random
        if isinstance(task, Activity):
            self._may_ask(task)
            self.activities.append(task)
            self._pass(random.uniform(0, STEP_TAKES_AT_MOST))
            try:
                answer = self.azure.answer(task)
            except ValueError as error:
                return orchestration.throw(error)
            return orchestration.send(answer)
        timer = task[0] if isinstance(task, list) else task
        waits = (timer.fires_at - self.current_utc_datetime).total_seconds()
        waits = max(0.0, waits - random.uniform(0, EARLY_AT_MOST))
        if isinstance(task, list) and random.random() < 0.1:
            self._pass(random.uniform(0, waits))
            return orchestration.send(task[1])
        self._pass(waits + random.uniform(0, LATE_AT_MOST))
        return orchestration.send(timer)

    def _may_ask(self, activity: Activity) -> None:
        """A job may be submitted when a try is due, and not past the deadline."""
        if activity.name != "invoke":
            return
        run = Run.from_json(self.get_input())
        now = run.time(self.current_utc_datetime)
        if now >= START + timedelta(seconds=run.request.timeout):
            assert activity.given["purpose"] == "find"
        elif run.step_due_at and now < run.step_due_at:
            assert activity.given["purpose"] == "notice_cancel"
            assert not self.activities, "a nudge looks for a cancel, and no further"
        else:
            assert activity.given["purpose"] == "submit"

    def _pass(self, seconds: float) -> None:
        self.current_utc_datetime += timedelta(seconds=seconds)


_requests = st.builds(
    request,
    poll_interval=st.sampled_from([20, 120, 900, 86_400]),
    queue_timeout=st.none() | st.sampled_from([1, 60, 1_800]),
    timeout=st.sampled_from([1, 60, 900, 3_600]),
    on_timeout=st.sampled_from(["cancel", "leave"]),
)


@settings(max_examples=150)
@given(
    _requests, st.integers(0, 2**32), st.sampled_from([0.0, 0.3, 0.9, 1.0]), st.sampled_from([0.0, 0.1, 0.5])
)
@example(request(timeout=900), 1, 0.0, 0.0)
@example(request(timeout=900, on_timeout="leave"), 1, 0.0, 0.0)
def test_a_run_ends_within_its_timeout_and_the_grace_of_a_cancel(
    handle: Handle, asked: RunRequest, seed: int, trouble: float, ends: float
) -> None:
    orchestrator = handle.orchestrator_function  # type: ignore[attr-defined]  # the SDK sets it
    azure = Azure(Random(seed), trouble, ends)  # noqa: S311 - chance, not secrecy
    host = VirtualHost(azure, json.dumps(Run(request=asked).to_json()), START)
    while True:
        state = Run.from_json(host.get_input())
        last_check = None if state.failure else state.last_check_at
        assert last_check is None or host.current_utc_datetime >= last_check + MIN_INTERVAL
        try:
            result = host.play(orchestrator(host))
        except RunFailed as error:
            assert str(error).strip()
            assert azure.last_status != "Completed"
            assert host.told["phase"] in ("Failed", "Canceled", "TimedOut")
            break
        if host.continued_with is None:
            assert result["outcome"] == host.told["phase"] == azure.last_status == "Completed"
            break
        host = host.next()
        assert host.current_utc_datetime <= START + timedelta(seconds=asked.timeout) + CANCEL_GRACE + SLACK
    assert host.current_utc_datetime <= START + timedelta(seconds=asked.timeout) + CANCEL_GRACE + SLACK


def test_the_simulation_reaches_every_outcome_and_every_step(handle: Handle) -> None:
    """Else the property above would hold for want of trying."""
    orchestrator = handle.orchestrator_function  # type: ignore[attr-defined]
    seen, asked_to = set(), set()
    for seed in range(150):
        azure = Azure(Random(seed), seed % 3 * 0.3, seed % 5 * 0.05)  # noqa: S311
        host = VirtualHost(azure, json.dumps(Run(request=request(timeout=900)).to_json()), START)
        while True:
            try:
                host.play(orchestrator(host))
            except RunFailed:
                break
            if host.continued_with is None:
                break
            host = host.next()
        seen.add(host.told["phase"])
        asked_to |= azure.asked_to
    assert seen == {"Completed", "Failed", "Canceled", "TimedOut"}
    assert asked_to == {"authorize", *Purpose, "check_status", "cancel_job"}
