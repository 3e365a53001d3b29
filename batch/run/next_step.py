"""What a run does next: has it ended, must its job be canceled, when does it look again?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from batch.errors import HEALS_WITH_TIME, ErrorCode
from batch.run.job_status import Bucket, bucket_of
from batch.run.state import CancelCause, Cancellation, Job, Phase, Problem, Run, as_problem
from batch.run.submission import Purpose, submission_uncertain

MAX_LASTING_FAILURES = 5
"""Of failures in a row that time alone does not heal; the others are bounded by the run's timeouts."""

REFUSED_GRACE = timedelta(minutes=15)
"""How long a job may refuse to be read before it is given up: roles and rotated secrets take a while."""

MIN_INTERVAL = timedelta(seconds=1)
LONGEST_CANCEL_CHECK_INTERVAL = timedelta(seconds=30)
CANCEL_GRACE = timedelta(minutes=10)
"""How long a timed out run waits for its job to obey."""

LONGEST_CANCEL_RETRY_INTERVAL = timedelta(minutes=5)
"""Also how long an accepted cancel may show no effect before it is asked for again."""

LONGEST_SUBMIT_RETRY_INTERVAL = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class End:
    """``error`` is None if and only if the job completed."""

    outcome: Phase
    error: Problem | None = None


def end_of(run: Run, now: datetime) -> End | None:
    """How the run ends now, or None if it goes on."""
    if run.canceled_before_submission:
        return _end(
            Phase.CANCELED, ErrorCode.JOB_CANCELED, "Canceled on request, before a job was submitted."
        )
    if run.job and bucket_of(run.job.status) is Bucket.ENDED:
        return _end_of_job(run, run.job)
    if run.problem and _is_hopeless(run, run.problem, now):
        return End(Phase.FAILED, _with_fate_of_job(run, run.problem))
    if run.job is None:
        return _end_without_job(run) if now >= _deadline(run) and not run.submission_broke else None
    if run.cancellation:
        return _timed_out(run, run.cancellation.cause) if now >= _give_up_at(run) else None
    cause = _expired(run, now)
    return _timed_out(run, cause) if cause and run.request.on_timeout == "leave" else None


def end_of_broken(run: Run, reason: str) -> End:
    """How the run ends after an exception that nobody foresaw."""
    job = "A job may have been submitted: look for it in Azure ML Studio."
    if run.job:
        job = f"Job {run.job.name} may go on: cancel it in Azure ML Studio if it is not wanted."
    return _end(Phase.FAILED, ErrorCode.INTERNAL, f"The run broke off: {reason.rstrip('.')}. {job}")


def cancel_due(run: Run, now: datetime) -> CancelCause | None:
    """Why the job must be canceled now, or None. Assumes that the run goes on."""
    if run.job is None:
        return None
    if run.cancellation:
        return None if _is_being_canceled(run.job, run.cancellation, now) else run.cancellation.cause
    return _expired(run, now)


def purpose_of_invoke(run: Run, now: datetime) -> Purpose:
    """What may be done for a run without a job: past its deadline nothing is submitted, nor before it is due."""
    if now >= _deadline(run):
        return Purpose.FIND
    return Purpose.NOTICE_CANCEL if run.step_due_at and now < run.step_due_at else Purpose.SUBMIT


def next_step_at(run: Run, now: datetime) -> datetime:
    """When the run looks again: after its interval, but no later than its next deadline."""
    delay = timedelta(seconds=run.request.poll_interval)
    if run.cancellation and run.cancellation.attempts and not run.cancellation.accepted:
        delay = min(_doubled(run.cancellation.attempts), LONGEST_CANCEL_RETRY_INTERVAL)
    elif run.problem:
        asked_for = timedelta(seconds=run.problem.retry_after or 0)
        longest = delay if run.job else LONGEST_SUBMIT_RETRY_INTERVAL
        delay = max(asked_for, min(longest, _doubled(run.failures)))
    elif run.cancellation:
        since_request = (now - run.cancellation.requested_at) / 2
        delay = min(delay, max(MIN_INTERVAL, min(since_request, LONGEST_CANCEL_CHECK_INTERVAL)))
    at = now + delay
    if run.job is None and run.step_due_at:
        # A nudge came first: what was due still is.
        at = max(run.step_due_at, now)
    deadlines = [_deadline(run), _queue_deadline(run), _give_up_at(run) if run.cancellation else None]
    return min([at, *(moment for moment in deadlines if moment and moment > now)])


def earliest_step_at(run: Run) -> datetime:
    """However many nudges come, the service is not asked more often than this."""
    assert run.started_at is not None
    return (run.last_check_at or run.started_at) + MIN_INTERVAL


def _is_being_canceled(job: Job, cancellation: Cancellation, now: datetime) -> bool:
    """Azure ML took the request, and obeys or may still do so."""
    asked_at = cancellation.accepted_at or cancellation.requested_at
    return cancellation.accepted and (
        job.status == "CancelRequested" or now < asked_at + LONGEST_CANCEL_RETRY_INTERVAL
    )


def _deadline(run: Run) -> datetime:
    assert run.started_at is not None
    return run.started_at + timedelta(seconds=run.request.timeout)


def _queue_deadline(run: Run) -> datetime | None:
    if run.request.queue_timeout is None or run.submitted_at is None or run.running_at is not None:
        return None
    return run.submitted_at + timedelta(seconds=run.request.queue_timeout)


def _expired(run: Run, now: datetime) -> CancelCause | None:
    if now >= _deadline(run):
        return CancelCause.TIMEOUT
    queue_deadline = _queue_deadline(run)
    return CancelCause.QUEUE_TIMEOUT if queue_deadline and now >= queue_deadline else None


def _give_up_at(run: Run) -> datetime:
    assert run.cancellation is not None
    since = run.cancellation.requested_at
    if run.cancellation.cause is CancelCause.REQUEST:
        since = max(since, _deadline(run))
    return since + CANCEL_GRACE


def _doubled(times: int) -> timedelta:
    return timedelta(seconds=2 ** min(times, 16))


def _is_hopeless(run: Run, problem: Problem, now: datetime) -> bool:
    if problem.code in HEALS_WITH_TIME and problem.retryable:
        return False
    if run.job is None:
        return not problem.retryable or run.lasting_failures >= MAX_LASTING_FAILURES
    # "Could not read" is not "failed": a paid job is given up only when it is refused to us again and again.
    if run.cancellation or problem.retryable or run.lasting_failures < MAX_LASTING_FAILURES:
        return False
    return run.failing_since is not None and now >= run.failing_since + REFUSED_GRACE


def _end_of_job(run: Run, job: Job) -> End:
    match job.status:
        case "Completed":
            return End(Phase.COMPLETED)
        case "Failed":
            return _end(Phase.FAILED, ErrorCode.JOB_FAILED, f"Job {job.name} failed. {_see_logs(job)}")
    if run.cancellation is None:
        return _end(
            Phase.CANCELED, ErrorCode.JOB_CANCELED, f"Job {job.name} was canceled, and not by this run."
        )
    if run.cancellation.cause is CancelCause.REQUEST:
        return _end(
            Phase.CANCELED, ErrorCode.JOB_CANCELED, f"Canceled on request; job {job.name} was canceled."
        )
    return _timed_out(run, run.cancellation.cause)


def _end_without_job(run: Run) -> End:
    if run.problem and run.problem.code is ErrorCode.SUBMISSION_UNCERTAIN:
        return End(Phase.FAILED, run.problem)
    return _timed_out(run, CancelCause.TIMEOUT)


def _timed_out(run: Run, cause: CancelCause) -> End:
    if cause is CancelCause.QUEUE_TIMEOUT:
        code, limit = ErrorCode.QUEUE_TIMED_OUT, f"within the queue_timeout of {run.request.queue_timeout} s"
        missed = f"did not start {limit}"
    else:
        code, limit = ErrorCode.TIMED_OUT, f"within the timeout of {run.request.timeout} s"
        missed = f"did not end {limit}"
    if run.job is None:
        problem = f" The last problem was: {run.problem.message}" if run.problem else ""
        return _end(Phase.TIMED_OUT, code, f"No job was submitted {limit}.{problem}")
    return _end(Phase.TIMED_OUT, code, f"Job {run.job.name} {missed}{_fate(run, run.job)}")


def _fate(run: Run, job: Job) -> str:
    if job.status == "Canceled":
        return " and was canceled."
    if run.request.on_timeout == "leave" and run.cancellation is None:
        return f" and was left as it is ({job.status}), as on_timeout asks."
    return (
        f" and could not be canceled: it was still {job.status} {int(CANCEL_GRACE.total_seconds())} s later"
        " and may go on costing money. Cancel it in Azure ML Studio."
    )


def _see_logs(job: Job) -> str:
    return (
        f"Its logs are in Azure ML Studio: {job.studio_url}" if job.studio_url else "See its logs in Studio."
    )


def _with_fate_of_job(run: Run, problem: Problem) -> Problem:
    if run.submission_broke:
        return as_problem(submission_uncertain(f"as the step that submits it went wrong: {problem.message}"))
    if run.job is None:
        return problem
    message = f"{problem.message} The run gave up after {run.failures} tries; job {run.job.name} may go on."
    return problem.model_copy(update={"message": message})


def _end(outcome: Phase, code: ErrorCode, message: str) -> End:
    return End(outcome, Problem(code=code, message=message))
