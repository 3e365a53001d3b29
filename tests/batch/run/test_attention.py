"""When a run needs a person, to the second; and that a healthy run never does."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.durable_timer import timer_for
from batch.errors import ErrorCode
from batch.run.attention import ADVICE, Attention, AttentionCode, attention
from batch.run.next_step import next_step_at
from batch.run.phases import OUTCOMES, PENDING, TERMINATED, Phase
from batch.run.state import Run
from batch.run.status import RunStatus
from batch.run.steps import Checked
from tests.batch.builders import START, after, failure, request, run

MINUTE, HOUR = 60, 3_600


def of(
    status: RunStatus,
    at: float,
    runtime_status: str = "Running",
    *,
    updated_at: float = 0,
    poll_interval: int | None = 120,
) -> Attention | None:
    return attention(
        status,
        runtime_status,
        started_at=START,
        updated_at=after(updated_at),
        poll_interval=None if poll_interval is None else timedelta(seconds=poll_interval),
        now=after(at),
    )


def begins(status: RunStatus, code: AttentionCode, at: float, **known: Any) -> Attention:
    """The attention that the run needs from one second to the next."""
    assert of(status, at, **known) is None
    found = of(status, at + 1, **known)
    assert found is not None
    assert found.code is code
    assert of(status, at + 10 * HOUR, **known) == found, "the same words as long as it lasts"
    return found


def checked(at: float, due: float, **state: Any) -> RunStatus:
    state = {"running_at": after(20), "checks": 1, "last_check_at": after(at), **state}
    return RunStatus.of(run(status=state.pop("status", "Running"), **state), next_check_at=after(due))


def test_a_run_starts_within_ten_minutes() -> None:
    found = begins(RunStatus(), AttentionCode.RUN_NOT_STARTED, 10 * MINUTE, runtime_status="Pending")
    assert found.since == START
    assert found.message == "The run was accepted at 2026-01-31 12:00:00 UTC and has not started yet."


@pytest.mark.parametrize(
    ("interval", "missed_after"), [(1, 61), (20, 80), (30, 90), (40, 120), (120, 360), (86_400, 3 * 86_400)]
)
def test_a_check_is_missed_after_three_intervals_and_not_within_a_minute(
    interval: int, missed_after: int
) -> None:
    found = begins(checked(100, 100 + interval), AttentionCode.RUN_NOT_CHECKED, 100 + missed_after)
    assert found.since == after(100)
    assert "was last checked at 2026-01-31 12:01:40 UTC" in found.message


def test_the_interval_is_the_one_that_the_run_waits_and_not_the_one_that_was_asked_for() -> None:
    """It retries after pauses that double, and later where the service asks for it."""
    begins(checked(0, 1_000), AttentionCode.RUN_NOT_CHECKED, 3_000, poll_interval=1)


def test_a_suspended_run_is_said_to_be_suspended() -> None:
    found = begins(checked(0, 120), AttentionCode.RUN_NOT_CHECKED, 360, runtime_status="Suspended")
    assert found.message.startswith("The run is suspended, so nobody checks its job. ")


def test_a_step_without_a_check_is_missed_after_ten_minutes() -> None:
    waiting = RunStatus.of(
        run(problem=failure(ErrorCode.SERVICE_UNAVAILABLE), failures=3), next_check_at=after(300)
    )
    found = begins(waiting, AttentionCode.RUN_NOT_CHECKED, 300 + 10 * MINUTE)
    assert found.since == after(300)


@pytest.mark.parametrize("state", [{}, {"identity": {"client_id": "c"}}, {"status": "Preparing"}])
def test_a_step_that_reports_nothing_may_take_ten_minutes(state: dict[str, Any]) -> None:
    """The first one, and each that follows hours later: what counts is when the orchestration last did anything."""
    found = begins(
        RunStatus.of(run(**state)),
        AttentionCode.RUN_NOT_CHECKED,
        5 * HOUR + 10 * MINUTE,
        updated_at=5 * HOUR,
    )
    assert found.since == after(5 * HOUR)


@pytest.mark.parametrize(("poll_interval", "limit"), [(1, 600), (200, 600), (201, 603), (86_400, 259_200)])
def test_a_run_whose_report_was_lost_has_three_of_its_intervals(poll_interval: int, limit: int) -> None:
    begins(
        RunStatus(),
        AttentionCode.RUN_NOT_CHECKED,
        HOUR + limit,
        updated_at=HOUR,
        poll_interval=poll_interval,
    )
    assert of(RunStatus(), 10**6, poll_interval=None) is None


@pytest.mark.parametrize("status", ["NotResponding", "CancelRequested"])
def test_a_job_moves_within_an_hour(status: str) -> None:
    recent = {"last_check_at": after(10**5), "stalled_since": after(50)}
    found = begins(checked(0, 10**6, status=status, **recent), AttentionCode.JOB_NOT_MOVING, 50 + HOUR)
    assert found.message == f"Azure ML has shown the job as {status} since 2026-01-31 12:00:50 UTC."
    assert found.since == after(50)


def test_a_job_that_nobody_looks_at_comes_second() -> None:
    stalled = checked(0, 120, status="NotResponding", stalled_since=after(0))
    found = of(stalled, 2 * HOUR)
    assert found is not None
    assert found.code is AttentionCode.RUN_NOT_CHECKED


@pytest.mark.parametrize("phase", [*sorted(OUTCOMES), TERMINATED])
def test_a_run_that_has_ended_needs_nobody(phase: str) -> None:
    stalled = checked(0, 120, status="NotResponding", stalled_since=after(0))
    assert of(stalled.model_copy(update={"phase": phase}), 10**7) is None


@pytest.mark.parametrize("runtime_status", ["Completed", "Failed", "Terminated", "Canceled"])
def test_a_run_whose_orchestration_has_ended_needs_nobody(runtime_status: str) -> None:
    assert of(RunStatus(phase=PENDING), 10**7, runtime_status) is None
    assert of(RunStatus(phase=Phase.RUNNING), 10**7, runtime_status) is None


def test_each_code_has_advice() -> None:
    assert set(ADVICE) == set(AttentionCode)


@given(
    poll_interval=st.integers(1, 86_400),
    failed=st.lists(st.sampled_from([None, 0.0, 90.0, 7_200.0]), max_size=12),
    late=st.floats(0, 59),
    part=st.floats(0, 1),
)
def test_a_healthy_run_needs_nobody_between_its_checks(
    poll_interval: int, failed: list[float | None], late: float, part: float
) -> None:
    """Whatever its interval, also while checks fail (with or without Retry-After), and if a step takes a while."""
    state: Run = run(status="Running", asked=request(poll_interval=poll_interval, timeout=30 * 86_400))
    now: datetime = after(10)
    for retry_after in [*failed, None]:
        answer = Checked(status="Running")
        if retry_after is not None:
            error = failure(ErrorCode.SERVICE_UNAVAILABLE, retryable=True, retry_after=retry_after)
            answer = Checked(error=error)
        state = state.checked(answer, now)
        until = next_step_at(state, now)
        following = timer_for(until) + timedelta(seconds=late - 1)
        between = now + (following - now) * part
        reported = RunStatus.of(state, next_check_at=until)
        assert (
            attention(
                reported,
                "Running",
                started_at=START,
                updated_at=now,
                poll_interval=timedelta(seconds=poll_interval),
                now=between,
            )
            is None
        )
        now = following
