"""Whether a run has ended, how, and the sentence that says why."""

from dataclasses import dataclass
from datetime import datetime

from batch.errors import ErrorCode, shorten
from batch.run.deadlines import (
    CANCEL_GRACE,
    REFUSED_GRACE,
    cancel_deadline,
    deadline,
    expired,
    refusal_deadline,
)
from batch.run.job_status import Bucket, bucket_of
from batch.run.phases import Phase
from batch.run.state import CancelCause, Cancellation, Run, SubmissionDoubt
from batch.run.steps import Failure, Job, JobReason
from batch.run.submission import submission_uncertain
from batch.timestamps import format_timestamp

MAX_LASTING_FAILURES = 5
"""Failures in a row that are not transient. With the pauses between them they take half a minute."""

_LONGEST_QUOTE = 300
"""Characters of a failed read in the message of a run that did not end because of it.

A refused cancel is the last sentence of a message, so it gets all the room that is left: its text begins with the
long address of the job.
"""


@dataclass(frozen=True, slots=True)
class End:
    """``error`` is None if and only if the job completed."""

    outcome: Phase
    error: Failure | None = None


def end_of(run: Run, now: datetime) -> End | None:
    """How the run ends now, or None if it goes on."""
    if run.canceled_before_submission:
        which = "another job" if run.earlier_jobs else "a job"
        message = f"Canceled on request, before {which} was submitted.{_earlier_job(run)}"
        return _end(Phase.CANCELED, ErrorCode.JOB_CANCELED, message)
    if run.job and bucket_of(run.job.status) is Bucket.ENDED:
        return _end_of_job(run, run.job)
    if run.problem and _is_unrecoverable(run, run.problem, now):
        return End(Phase.FAILED, _with_what_became_of_the_job(run, run.problem, now))
    if run.job is None:
        return _end_without_job(run, now)
    if gives_up_at := cancel_deadline(run):
        assert run.cancellation is not None
        return _timed_out(run, run.cancellation.cause) if now >= gives_up_at else None
    cause = expired(run, now)
    return _timed_out(run, cause) if cause and run.request.on_timeout == "leave" else None


def end_of_crashed(run: Run, reason: str) -> End:
    """How the run ends after an exception in the orchestrator, which is a fault of this app."""
    which = "Another job" if run.earlier_jobs else "A job"
    job = f"Job {run.job.name} may still run." if run.job else f"{which} may have been submitted."
    return _end(Phase.FAILED, ErrorCode.INTERNAL, f"The run crashed: {reason.rstrip('.')}. {job}")


def failed_job_of(run: Run, end: End) -> Job | None:
    """The job whose own failure ends the run: Azure ML may say why it failed."""
    return run.job if end.error and end.error.code == ErrorCode.JOB_FAILED else None


def explained(end: End, reason: JobReason | None) -> End:
    """``end`` with the reason that Azure ML gives for the failure of the job, if it gives one."""
    if end.error is None or reason is None:
        return end
    step = f" in step {reason.step}" if reason.step else ""
    message = shorten(f"{end.error.message.removesuffix('.')}{step}: {reason.message}")
    return End(end.outcome, end.error.model_copy(update={"message": message, "reason": reason}))


def _is_unrecoverable(run: Run, problem: Failure, now: datetime) -> bool:
    if gives_up_at := refusal_deadline(run):
        # After a nudge, the last try is still due.
        return run.step_due_at is None and now >= gives_up_at
    if run.job is None:
        return not problem.retryable or run.lasting_failures >= MAX_LASTING_FAILURES
    # A job that cannot be read has not failed: it costs money, and is given up only after it was refused many times.
    if run.cancellation or problem.retryable or run.lasting_failures < MAX_LASTING_FAILURES:
        return False
    return run.failing_since is not None and now >= run.failing_since + REFUSED_GRACE


def _end_of_job(run: Run, job: Job) -> End:
    match job.status:
        case "Completed":
            return End(Phase.COMPLETED)
        case "Canceled":
            return _end_of_canceled_job(run, job)
        case "Failed":
            return _end(Phase.FAILED, ErrorCode.JOB_FAILED, f"Job {job.name} failed.")
    # A status that job_status.py counts as ended and that has no case above: shown as it is, never taken for success.
    return _end(Phase.FAILED, ErrorCode.JOB_FAILED, f"Job {job.name} ended as {job.status}.")


def _end_of_canceled_job(run: Run, job: Job) -> End:
    if run.cancellation is None:
        return _end(
            Phase.CANCELED, ErrorCode.JOB_CANCELED, f"Job {job.name} was canceled, but not by this run."
        )
    if run.cancellation.cause is CancelCause.REQUEST:
        return _end(
            Phase.CANCELED, ErrorCode.JOB_CANCELED, f"Canceled on request; job {job.name} was canceled."
        )
    return _timed_out(run, run.cancellation.cause)


def _end_without_job(run: Run, now: datetime) -> End | None:
    """Past the deadline. After a crash of the step that submits, a search for the job comes first."""
    if now < deadline(run) or run.submission is SubmissionDoubt.CRASHED:
        return None
    if run.submission is SubmissionDoubt.UNCERTAIN:
        return End(Phase.FAILED, run.problem)
    return _timed_out(run, CancelCause.TIMEOUT)


def _timed_out(run: Run, cause: CancelCause) -> End:
    if run.job and run.cancellation and run.cancellation.gives_up_at:
        return _not_canceled_in_time(run, run.job, run.cancellation)
    if cause is CancelCause.QUEUE_TIMEOUT:
        code, limit = ErrorCode.QUEUE_TIMED_OUT, f"within the queue_timeout of {run.request.queue_timeout} s"
        missed = f"did not start {limit}"
    else:
        code, limit = ErrorCode.TIMED_OUT, f"within the timeout of {run.request.timeout} s"
        missed = f"did not end {limit}"
    if run.job is None:
        problem = f" The last problem was: {run.problem.message}" if run.problem else ""
        which = "No further job" if run.earlier_jobs else "No job"
        return _end(Phase.TIMED_OUT, code, f"{which} was submitted {limit}.{_earlier_job(run)}{problem}")
    return _end(Phase.TIMED_OUT, code, f"Job {run.job.name} {missed}{_what_became_of(run, run.job)}")


def _not_canceled_in_time(run: Run, job: Job, cancellation: Cancellation) -> End:
    limit = int(run.request.time_to_cancel().total_seconds())
    status = _last_known_status(run, job) or f"it was still {job.status}."
    message = (
        f"Job {job.name} was not canceled within the cancel_timeout of {limit} s after the request at"
        f" {format_timestamp(cancellation.requested_at)}: {status}{_refusal(cancellation)}"
    )
    return _end(Phase.TIMED_OUT, ErrorCode.TIMED_OUT, message)


def _what_became_of(run: Run, job: Job) -> str:
    if job.status == "Canceled":
        return " and was canceled."
    unread = _last_known_status(run, job)
    if run.cancellation is None:
        status = "" if unread else f" ({job.status})"
        left = f" and was left as it is{status}, as on_timeout asks"
        return f"{left}: {unread}" if unread else f"{left}."
    grace = int(CANCEL_GRACE.total_seconds())
    became = (
        f"may not have been canceled in the {grace} s after that: {unread}"
        if unread
        else f"could not be canceled: it was still {job.status} {grace} s later."
    )
    return f" and {became}{_refusal(run.cancellation)}"


def _last_known_status(run: Run, job: Job) -> str | None:
    """What is known if the last check failed; None if it succeeded, and the job's status is the present one."""
    if run.problem is None:
        return None
    reason = shorten(run.problem.message, _LONGEST_QUOTE)
    return f"its last known status is {job.status}, as the last read failed: {reason}"


def _refusal(cancellation: Cancellation) -> str:
    if cancellation.last_refusal is None:
        return ""
    return f" The last request to cancel it failed: {cancellation.last_refusal}"


def _earlier_job(run: Run) -> str:
    """What became of the job before the one that was not submitted; empty before the first."""
    if not run.earlier_jobs:
        return ""
    failed = run.earlier_jobs[-1]
    reason = f": {shorten(failed.reason.message, _LONGEST_QUOTE)}" if failed.reason else "."
    return f" Job {failed.name} had failed{reason}"


def _with_what_became_of_the_job(run: Run, problem: Failure, now: datetime) -> Failure:
    if run.submission is SubmissionDoubt.CRASHED:
        return Failure.of(
            submission_uncertain(f"because the step that submits it crashed: {problem.message}")
        )
    if run.job:
        became = f"The run gave up after {run.failures} tries; job {run.job.name} may still run."
    elif run.refused_since and refusal_deadline(run):
        minutes = round((now - run.refused_since).total_seconds() / 60)
        jobs = "no further job" if run.earlier_jobs else "no job"
        became = f"The run gave up after {run.failures} tries in {minutes} minutes; it has {jobs}."
    else:
        return problem
    return problem.model_copy(update={"message": f"{problem.message} {became}"})


def _end(outcome: Phase, code: ErrorCode, message: str) -> End:
    return End(outcome, Failure(code=code.value, message=shorten(message)))
