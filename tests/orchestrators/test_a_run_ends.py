"""Whatever Azure answers, a run ends in time: whole runs on a virtual clock, with random answers."""

import json
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from batch.errors import ErrorCode, RunError
from batch.run.deadlines import CANCEL_GRACE
from batch.run.next_step import MIN_INTERVAL
from batch.run.request import RunRequest
from batch.run.state import Run
from batch.run.steps import Failure, InvokeMode
from tests.batch.builders import START, WORKSPACE_ID, request
from tests.orchestrators.execution import ACTIVITY, Execution, Handle
from tests.orchestrators.steps import custom_status, started

STEP_TAKES_AT_MOST = 20
EARLY_AT_MOST = 1
LATE_AT_MOST = 5
NUDGED = 0.1
"""The share of waits that a nudge ends."""

SLACK = timedelta(seconds=2 * (4 * STEP_TAKES_AT_MOST + LATE_AT_MOST))
"""Of the steps under way when the timeout expires, and of those when the grace of its cancel ends."""

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


class ActivityBroke(Exception):
    """The activity raised an exception: no answer comes."""


class Azure:
    """Answers at random; ``trouble`` is the share of failing steps, ``ends`` that of checks that see an end."""

    def __init__(self, random: Random, trouble: float, ends: float) -> None:
        self.random, self.trouble, self.ends = random, trouble, ends
        self.last_status: str | None = None
        self.asked_to: set[str] = set()

    def answer(self, activity: str, given: dict[str, Any]) -> dict[str, Any]:
        """Raises ActivityBroke."""
        self.asked_to.add(given.get("purpose", activity))
        asked_to_cancel = (
            {"cancel_requested": self.random.random() < 0.02} if activity == "check_status" else {}
        )
        if self.random.random() < self.trouble:
            if self.random.random() < 0.2:
                raise ActivityBroke(f"Activity function '{activity}' failed:  TimeoutError")
            return {"error": Failure.of(self._error()).to_json(), **asked_to_cancel}
        if activity == "authorize":
            return {"identity": {"client_id": "c"}}
        if activity == "invoke":
            return self._invoked(InvokeMode(given["purpose"]))
        if activity == "cancel_job":
            return {"accepted": True}
        self.last_status = self.random.choice(ENDED if self.random.random() < self.ends else GOING_ON)
        return {"status": self.last_status, **asked_to_cancel}

    def _invoked(self, mode: InvokeMode) -> dict[str, Any]:
        if self.random.random() < 0.05:
            return {"canceled": True}
        if mode is InvokeMode.CHECK_FOR_CANCEL:
            return {"unchanged": True}
        if mode is InvokeMode.FIND and self.random.random() < 0.5:
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


def executions(handle: Handle, asked: RunRequest, azure: Azure) -> Iterator[Execution]:
    """All executions of one run, each when it is over."""
    execution = started(handle, asked)
    while True:
        assert _is_due(execution)
        while not execution.answer.over:
            _step(execution, azure)
        yield execution
        if execution.answer.ended:
            return
        execution = execution.next()


def _step(execution: Execution, azure: Azure) -> None:
    """What the execution waits for arrives; time passes only here."""
    random = azure.random
    if execution.answer.actions[-1]["actionType"] == ACTIVITY:
        name, given = execution.answer.activity
        assert name != "invoke" or _may_invoke(execution, given["purpose"])
        takes = random.uniform(0, STEP_TAKES_AT_MOST)
        try:
            execution.complete(azure.answer(name, given), takes)
        except ActivityBroke as error:
            execution.fail(str(error), takes)
        return
    assert execution.timer_asked_for > execution.now, "a timer in the past"
    if execution.answer.waits and random.random() < NUDGED:
        execution.nudge(random.uniform(0, max(0.0, (execution.timer_at - execution.now).total_seconds())))
    else:
        execution.fire(random.uniform(0, EARLY_AT_MOST) + random.uniform(0, LATE_AT_MOST))


def _is_due(execution: Execution) -> bool:
    """Each execution begins with a step, and the service is not asked more often than once in this interval."""
    last_check = _run_of(execution).last_check_at
    return last_check is None or execution.now >= last_check + MIN_INTERVAL


def _may_invoke(execution: Execution, purpose: str) -> bool:
    """A job may be submitted when a try is due, and not past the deadline."""
    run = _run_of(execution)
    now = run.time(execution.now)
    if now >= START + timedelta(seconds=run.request.timeout):
        return purpose == "find"
    if run.step_due_at and now < run.step_due_at:
        # A nudge looks for a cancel, and does nothing else.
        return purpose == "notice_cancel" and len(execution.answer.actions) == 1
    return purpose == "submit"


def _run_of(execution: Execution) -> Run:
    """As it was when the execution began."""
    return Run.from_json(json.loads(execution.given))


_requests = st.builds(
    request,
    poll_interval=st.sampled_from([20, 120, 900, 86_400]),
    queue_timeout=st.none() | st.sampled_from([1, 60, 1_800]),
    timeout=st.sampled_from([1, 60, 900, 3_600]),
    on_timeout=st.sampled_from(["cancel", "leave"]),
    cancel_timeout=st.none() | st.sampled_from([1, 600, 3_600]),
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
    azure = Azure(Random(seed), trouble, ends)  # noqa: S311 - chance, not secrecy
    grace = max(CANCEL_GRACE, asked.time_to_cancel())
    ends_before = START + timedelta(seconds=asked.timeout) + grace + SLACK
    for execution in executions(handle, asked, azure):
        assert execution.now <= ends_before
        answer = execution.answer
    phase = custom_status(answer)["phase"]
    if answer.error is None:
        assert answer.output["outcome"] == phase == azure.last_status == "Completed"
    else:
        assert answer.error.strip()
        assert answer.code is not None, "the execution that raises is one of its own"
        assert azure.last_status != "Completed"
        assert phase in ("Failed", "Canceled", "TimedOut")


def test_the_simulation_reaches_every_outcome_and_every_step(handle: Handle) -> None:
    """Otherwise the property above could hold only because nothing reaches it."""
    seen, asked_to = set(), set()
    for seed in range(150):
        azure = Azure(Random(seed), seed % 3 * 0.3, seed % 5 * 0.05)  # noqa: S311
        *_, last = executions(handle, request(timeout=900), azure)
        seen.add(custom_status(last.answer)["phase"])
        asked_to |= azure.asked_to
    assert seen == {"Completed", "Failed", "Canceled", "TimedOut"}
    assert asked_to == {"authorize", *InvokeMode, "check_status", "cancel_job"}
