"""How answers of the activities change a run."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.errors import TRANSIENT_CODES, ErrorCode, RunError
from batch.run.job_status import Bucket
from batch.run.phases import Phase
from batch.run.state import CancelCause, Cancellation, Run, SubmissionDoubt
from batch.run.steps import Authorized, CancelAnswered, Checked, Failure, Invoked, InvokeMode, Job
from batch.run.submission import submission_uncertain
from tests.batch.builders import START, after, failure, request, run
from tests.batch.run.test_job_status import BUCKETS
from tests.batch.strategies import STATUSES, moments, runs

ERROR = RunError(ErrorCode.SERVICE_UNAVAILABLE, "It is busy.", retryable=True, retry_after=7.5)
FAILED = {"error": Failure.of(ERROR).to_json()}
FAILED_STEP = {
    "authorized": Authorized.failed(ERROR),
    "invoked": Invoked.failed(ERROR),
    "checked": Checked.failed(ERROR),
    "cancel_answered": CancelAnswered.failed(ERROR),
}
JOB = {"name": "batchjob-1", "status": "Preparing", "workspace_id": None, "studio_url": None}


def _failing(**state: Any) -> Run:
    refused = {"problem": failure(ErrorCode.ACCESS_DENIED), "failures": 3, "lasting_failures": 2}
    return run(**{**refused, "failing_since": after(5), **state})


def test_a_new_run_has_its_request_only() -> None:
    new = Run(request=request())
    assert new.phase is Phase.AUTHORIZING
    assert new.model_dump(exclude_defaults=True).keys() == {"request"}


def test_a_run_starts_once() -> None:
    started = Run(request=request()).started(START)
    assert started.started_at == START
    assert started.started(after(60)) == started


def _has_no_failures(state: Run) -> bool:
    failures = (state.failures, state.lasting_failures, state.failing_since, state.problem)
    return failures == (0, 0, None, None)


def test_after_authorize_a_run_submits() -> None:
    done = _failing().authorized(Authorized.from_json({"identity": {"client_id": "c"}}), after(10))
    assert done.identity == {"client_id": "c"}
    assert _has_no_failures(done)
    assert done.phase is Phase.SUBMITTING


def test_after_invoke_a_run_is_queued() -> None:
    done = _failing(identity={}).invoked(Invoked.from_json({"job": JOB}), after(10))
    assert (done.job, done.submitted_at) == (Job(**JOB), after(10))
    assert _has_no_failures(done)
    assert done.phase is Phase.QUEUED
    assert not done.canceled_before_submission


def test_a_run_that_is_canceled_before_submission_has_no_job() -> None:
    done = _failing(identity={}).invoked(Invoked.from_json({"canceled": True}), after(10))
    assert done.canceled_before_submission
    assert (done.job, done.problem) == (None, None)


@pytest.mark.parametrize(
    "doubt",
    [
        Failure.of(submission_uncertain("and none is listed yet", retryable=True)),
        failure(ErrorCode.INTERNAL, retryable=True),
    ],
)
def test_if_there_is_provably_no_job_the_doubt_is_over(doubt: Failure) -> None:
    before = _failing(identity={"client_id": "c"}, step_due_at=after(8), problem=doubt)
    done = before.invoked(Invoked.from_json({"absent": True}), after(10), InvokeMode.FIND)
    assert done == run(identity={"client_id": "c"})


def test_if_there_is_provably_no_job_the_run_keeps_what_became_of_its_submissions() -> None:
    doubt = Failure.of(submission_uncertain("and none is listed yet", retryable=True))
    lost = failure(ErrorCode.SERVICE_UNAVAILABLE, retryable=True)
    answer = Invoked.from_json(Invoked(absent=True, error=lost).to_json())
    done = _failing(identity={"client_id": "c"}, problem=doubt).invoked(answer, after(10), InvokeMode.FIND)
    assert (done.problem, done.submission) == (lost, None)


@pytest.mark.parametrize("error", [None, failure(ErrorCode.SERVICE_UNAVAILABLE, retryable=True)])
def test_if_there_is_provably_no_job_another_failure_stays_as_the_reason(error: Failure | None) -> None:
    before = _failing(identity={"client_id": "c"})
    answer = Invoked.from_json(Invoked(absent=True, error=error).to_json())
    assert before.invoked(answer, after(10), InvokeMode.FIND) == before


def test_a_failed_check_for_a_cancel_changes_nothing() -> None:
    before = _failing(identity={"client_id": "c"}, step_due_at=after(50))
    failed = {"error": Failure.of(ERROR).to_json()}
    assert before.invoked(Invoked.from_json(failed), after(10), InvokeMode.CHECK_FOR_CANCEL) == before


def test_a_failed_search_past_the_deadline_leaves_it_open_whether_there_is_a_job() -> None:
    doubt = Failure.of(submission_uncertain("and none is listed yet", retryable=True))
    failed = {"error": Failure.of(ERROR).to_json()}
    for before, kept in ((_failing(problem=doubt), doubt), (_failing(), None), (run(), None)):
        after_search = before.invoked(Invoked.from_json(failed), after(10), InvokeMode.FIND).problem
        assert after_search is not None
        assert after_search.code == ErrorCode.SUBMISSION_UNCERTAIN
        assert kept in (None, after_search)


def test_a_check_that_finds_no_cancel_changes_nothing() -> None:
    for before in (_failing(identity={"client_id": "c"}, step_due_at=after(50)), run()):
        assert before.invoked(Invoked.from_json({"unchanged": True}), after(10)) == before


def test_a_run_knows_what_it_waited_for_and_what_ended_the_wait() -> None:
    nudged = _failing(status="Running").waited(after(70), timer_fired=False)
    assert nudged == _failing(status="Running", step_due_at=after(70))
    woken = nudged.waited(after(90), timer_fired=True)
    assert woken == _failing(status="Running", timer_fired_for=after(90))
    assert woken.waited(after(120), timer_fired=False).timer_fired_for == after(90)


@pytest.mark.parametrize(("clock", "time"), [(0, 90), (89, 90), (89.5, 90), (90, 90), (91, 91), (500, 500)])
def test_once_a_timer_has_fired_its_time_is_past_whatever_the_clock_says(clock: float, time: float) -> None:
    assert run(timer_fired_for=after(90)).time(after(clock)) == after(time)
    assert run().time(after(clock)) == after(clock)


def test_only_a_crash_of_the_step_that_submits_leaves_the_doubt_of_a_crash() -> None:
    crash = failure(ErrorCode.INTERNAL, retryable=True)
    assert run(identity={"client_id": "c"}, problem=crash).submission is SubmissionDoubt.CRASHED
    assert run(problem=crash).submission is not SubmissionDoubt.CRASHED, "it was the step before"
    assert run(status="Running", problem=crash).submission is not SubmissionDoubt.CRASHED, "there is a job"
    assert _failing(identity={"client_id": "c"}).submission is not SubmissionDoubt.CRASHED
    assert run(identity={"client_id": "c"}).submission is not SubmissionDoubt.CRASHED


def test_transient_failures_are_counted_apart() -> None:
    busy, refused = Checked.failed(ERROR), Checked.failed(RunError(ErrorCode.ACCESS_DENIED, "No."))
    state = (
        run(status="Running")
        .checked(Checked.from_json(busy), after(20))
        .checked(Checked.from_json(busy), after(30))
    )
    assert (state.failures, state.lasting_failures, state.failing_since) == (2, 0, None)
    state = (
        state.checked(Checked.from_json(refused), after(40))
        .checked(Checked.from_json(busy), after(50))
        .checked(Checked.from_json(refused), after(60))
    )
    assert (state.failures, state.lasting_failures, state.failing_since) == (5, 2, after(40))
    assert _has_no_failures(state.checked(Checked(status="Running"), after(70)))


def test_a_submission_that_is_refused_is_counted_apart_until_a_step_succeeds() -> None:
    denied = Invoked.failed(RunError(ErrorCode.ACCESS_DENIED, "No."))
    state = run(identity={"client_id": "c"}).invoked(denied, after(20))
    state = state.invoked(Invoked.from_json(FAILED), after(30)).invoked(denied, after(40))
    assert (state.failures, state.lasting_failures, state.failing_since) == (3, 0, None)
    assert state.refused_since == after(20)
    submitted = state.invoked(Invoked.from_json({"job": JOB}), after(50))
    assert (_has_no_failures(submitted), submitted.refused_since) == (True, None)


def test_a_read_that_is_refused_does_not_count_as_a_refused_submission() -> None:
    denied = Checked.failed(RunError(ErrorCode.ACCESS_DENIED, "No."))
    state = run(status="Running").checked(denied, after(20))
    assert (state.refused_since, state.lasting_failures, state.failing_since) == (None, 1, after(20))


@pytest.mark.parametrize("step", ["authorized", "invoked", "checked", "cancel_answered"])
def test_a_failed_step_changes_only_the_record_of_failures(step: str) -> None:
    with_job = {
        "status": "Running",
        "cancellation": Cancellation(cause=CancelCause.REQUEST, requested_at=START),
    }
    before = run(**(with_job if step in ("checked", "cancel_answered") else {}))  # type: ignore[arg-type]
    failed = getattr(before, step)(FAILED_STEP[step], after(20))
    assert failed.failures == 1
    assert failed.problem == Failure.of(ERROR)
    assert failed.problem.retry_after == 7.5
    changed = {name for name in Run.model_fields if getattr(failed, name) != getattr(before, name)}
    also = {"checked": {"checks", "last_check_at"}, "cancel_answered": {"cancellation"}}
    assert changed == {"failures", "problem", "problem_since"} | also.get(step, set())
    again = getattr(failed, step)(FAILED_STEP[step], after(90))
    assert (again.failures, again.problem_since) == (2, failed.problem_since)


def test_a_problem_lasts_since_the_first_failure_in_a_row() -> None:
    good = Checked.from_json({"status": "Running", "cancel_requested": False})
    failed = (
        run(status="Running")
        .checked(FAILED_STEP["checked"], after(20))
        .checked(FAILED_STEP["checked"], after(80))
    )
    assert failed.problem_since == after(20)
    assert failed.checked(good, after(90)).problem_since is None


@pytest.mark.parametrize(("accepted_at", "since"), [(None, after(10)), (after(40), after(40))])
def test_a_refused_cancel_lasts_through_the_checks_between_its_tries(
    accepted_at: datetime | None, since: datetime
) -> None:
    asked = Cancellation(cause=CancelCause.REQUEST, requested_at=after(10), accepted_at=accepted_at)
    good = Checked.from_json({"status": "Running", "cancel_requested": True})
    state = run(status="Running", cancellation=asked)
    for now in (50, 90):
        state = state.checked(good, after(now)).cancel_answered(FAILED_STEP["cancel_answered"], after(now))
        assert state.problem_since == since


@pytest.mark.parametrize("status", STATUSES)
def test_a_check_records_the_status_and_since_when_the_job_runs(status: str) -> None:
    checked = _failing(status="Queued").checked(
        Checked.from_json({"status": status, "cancel_requested": False}), after(20)
    )
    assert checked.job is not None
    assert (checked.job.status, checked.checks, checked.last_check_at) == (status, 1, after(20))
    assert _has_no_failures(checked)
    assert checked.cancellation is None
    assert checked.running_at == (after(20) if status in BUCKETS[Bucket.WORKING] else None)


def test_a_job_that_has_run_does_not_wait_for_capacity_again() -> None:
    running = run(status="Running", running_at=after(30))
    for status in ("NotResponding", "Queued", "Running"):
        checked = running.checked(Checked.from_json({"status": status}), after(90))
        assert checked.running_at == after(30)
        assert checked.phase is Phase.RUNNING


@pytest.mark.parametrize("answer", [{"status": "Running"}, FAILED])
def test_a_cancel_request_is_seen_even_if_the_status_is_not(answer: dict[str, Any]) -> None:
    checked = run(status="Running").checked(
        Checked.from_json({**answer, "cancel_requested": True}), after(20)
    )
    assert checked.cancellation == Cancellation(
        cause=CancelCause.REQUEST, requested_at=after(20), accepted=False, gives_up_at=after(20 + 1_800)
    )
    assert checked.phase is Phase.CANCELING
    later = checked.checked(Checked.from_json({**answer, "cancel_requested": True}), after(50))
    assert later.cancellation == checked.cancellation


def test_a_cancel_request_does_not_replace_the_cause_of_an_earlier_one() -> None:
    timed_out = run(status="Running").canceling(CancelCause.TIMEOUT, after(100))
    checked = timed_out.checked(
        Checked.from_json({"status": "Running", "cancel_requested": True}), after(101)
    )
    assert checked.cancellation == timed_out.cancellation


def test_an_accepted_cancel() -> None:
    canceling = run(status="Running").canceling(CancelCause.REQUEST, after(20))
    accepted = canceling.cancel_answered(CancelAnswered.from_json({"accepted": True}), after(21))
    assert accepted.cancellation == Cancellation(
        cause=CancelCause.REQUEST,
        requested_at=after(20),
        accepted=True,
        accepted_at=after(21),
        gives_up_at=after(20 + 1_800),
    )


@pytest.mark.parametrize(
    ("cause", "cancel_timeout", "gives_up_at"),
    [
        (CancelCause.REQUEST, None, after(20 + 1_800)),
        (CancelCause.REQUEST, 60, after(80)),
        (CancelCause.TIMEOUT, 60, None),
        (CancelCause.QUEUE_TIMEOUT, 60, None),
    ],
)
def test_only_a_cancel_on_request_has_a_time_of_its_own(
    cause: CancelCause, cancel_timeout: int | None, gives_up_at: datetime | None
) -> None:
    state = run(status="Running", asked=request(cancel_timeout=cancel_timeout)).canceling(cause, after(20))
    assert state.cancellation is not None
    assert state.cancellation.gives_up_at == gives_up_at


def test_refused_cancels_are_counted_whatever_checks_report_in_between() -> None:
    state = run(status="Running").canceling(CancelCause.REQUEST, after(20))
    for attempts in (1, 2, 3):
        state = state.cancel_answered(CancelAnswered.failed(ERROR), after(20 * attempts)).checked(
            Checked(status="Running"), after(99)
        )
        assert state.cancellation == Cancellation(
            cause=CancelCause.REQUEST,
            requested_at=after(20),
            attempts=attempts,
            last_refusal="It is busy.",
            gives_up_at=after(20 + 1_800),
        )
    accepted = state.cancel_answered(CancelAnswered.from_json({"accepted": True}), after(100))
    assert accepted.cancellation is not None
    assert (accepted.cancellation.accepted, accepted.cancellation.attempts) == (True, 3)
    assert accepted.cancellation.last_refusal is None


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        (run(), Phase.AUTHORIZING),
        (run(identity={"client_id": "c"}), Phase.SUBMITTING),
        (run(status="Queued"), Phase.QUEUED),
        (run(status="Running", running_at=after(20)), Phase.RUNNING),
        (run(status="NotResponding", running_at=after(20)), Phase.RUNNING),
        (
            run(status="Running", running_at=after(20)).canceling(CancelCause.REQUEST, after(30)),
            Phase.CANCELING,
        ),
    ],
)
def test_the_phase_of_a_run_that_goes_on(state: Run, phase: Phase) -> None:
    assert state.phase is phase


@given(runs())
def test_a_run_is_carried_through_continue_as_new_unchanged(state: Run) -> None:
    carried = Run.from_json(json.loads(json.dumps(state.to_json())))
    assert carried == state
    assert carried.request.fingerprint() == state.request.fingerprint()
    assert carried.to_json() == state.to_json()


_errors = st.builds(RunError, st.sampled_from(ErrorCode), st.text(max_size=20), retryable=st.booleans())
_answers = st.one_of(
    _errors.map(lambda error: {"error": Failure.of(error).to_json()}),
    st.sampled_from(STATUSES).map(lambda status: {"status": status}),
).flatmap(lambda answer: st.booleans().map(lambda asked: {**answer, "cancel_requested": asked}))


@given(runs().filter(lambda state: state.job is not None), st.lists(st.tuples(_answers, moments), max_size=5))
def test_checks_and_failures_in_a_row_are_counted(
    state: Run, answers: list[tuple[dict[str, Any], datetime]]
) -> None:
    checked = state
    for answer, now in answers:
        before, checked = checked, checked.checked(Checked.from_json(answer), now)
        assert checked.checks == before.checks + 1
        assert checked.last_check_at == now
        assert checked.failures == (before.failures + 1 if "error" in answer else 0)
        assert (checked.problem is None) is ("error" not in answer)
        lasts = "error" in answer and answer["error"]["code"] not in TRANSIENT_CODES
        assert checked.lasting_failures == (before.lasting_failures + lasts if "error" in answer else 0)
        if lasts:
            assert checked.failing_since == (before.failing_since or now)
        elif "error" in answer:
            assert checked.failing_since == before.failing_since
        else:
            assert checked.failing_since is None
        assert (checked.job == before.job) or "status" in answer
        assert checked.cancellation is not None or not answer["cancel_requested"]
        assert checked.request == state.request
