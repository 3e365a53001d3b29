"""Whether a job failed for a passing reason, and the run that goes on with another job."""

import re
from datetime import datetime, timedelta
from enum import StrEnum

from batch.run.deadlines import deadline
from batch.run.outcome import End, failed_job_of
from batch.run.state import Run
from batch.run.steps import JobReason

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=5)
"""Between the end of a job and the submission of the next: the capacity that was lost does not come back at once."""


class RetryOn(StrEnum):
    """Why a job may fail though its next attempt may complete."""

    PREEMPTION = "preemption"
    """The nodes of low priority that it had were taken away."""
    SERVICE = "service"
    """An error of Azure ML itself."""


# Azure ML gives the preemption as an error of the user. Only the name of its own error, at the place where its
# messages have one, says what happened: the words alone may come from the scoring script.
_PREEMPTED = re.compile(
    r"(?:UserError: |ServiceError: )?(?:AzureMLCompute job failed[.:]?\s+)?PreemptionError\b"
)

_SERVICE_CODES = frozenset({"serviceerror", "systemerror", "transienterror", "requestthrottled"})
"""In lower case. The other codes of run history (UserError, ValidationError, AzureStorageError) seldom pass."""


def passing_cause(reason: JobReason | None) -> RetryOn | None:
    """None for a reason that may last, and for one that is not known."""
    if reason is None:
        return None
    code = (reason.code or "").casefold()
    if code == "preemptionerror" or _PREEMPTED.match(reason.message):
        return RetryOn.PREEMPTION
    return RetryOn.SERVICE if code in _SERVICE_CODES else None


def run_with_next_job(run: Run, end: End, now: datetime) -> Run | None:
    """The run as it goes on in place of ``end``, or None if it ends.

    Not after a request to cancel, and only if the next job can be submitted within the run's timeout.
    """
    job = failed_job_of(run, end)
    if (
        job is None
        or job.status != "Failed"
        or run.cancellation
        or run.job_attempt >= run.request.job_attempts
    ):
        return None
    reason = end.error.reason if end.error else None
    resumes_at = now + _pause(run.job_attempt)
    if passing_cause(reason) not in run.request.retry_on or resumes_at >= deadline(run):
        return None
    return run.with_next_job(job, reason, resumes_at)


def _pause(job_attempt: int) -> timedelta:
    return min(FIRST_PAUSE * (1 << (job_attempt - 1)), LONGEST_PAUSE)
