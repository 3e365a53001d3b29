"""Whether the request of a run may be sent again: not while the run goes on, or may still have a job."""

from dataclasses import dataclass

from batch.errors import KNOWN_CODES, ErrorCode
from batch.run.job_status import Bucket, bucket_of
from batch.run.phases import OUTCOMES, has_ended
from batch.run.status import RunStatus
from batch.run.submission import Submission

_SAYS_NOTHING_OF_THE_JOB = frozenset({ErrorCode.INTERNAL, ErrorCode.SUBMISSION_UNCERTAIN})
"""With any other code the run ended by its own decision, and knew whether it had a job."""
_CONFIRM = 'send {"confirm_no_job": true}: a second job would be paid, too.'


@dataclass(frozen=True, slots=True)
class RunBefore:
    """The run that is to be repeated.

    ``submission`` is what the ledger keeps of its latest job, None where the ledger knows nothing. ``owned_job`` is
    that job if the run owns it there, or empty text.
    """

    run_id: str
    status: RunStatus
    runtime_status: str
    submission: Submission | None
    owned_job: str = ""

    @property
    def ended(self) -> bool:
        return has_ended(self.status.phase, self.runtime_status)

    @property
    def never_submits(self) -> bool:
        """It ended without a job and without a claim. Only a late step of it could submit, and must not."""
        has_job = self.status.job or self.owned_job
        return self.ended and not has_job and self.submission is not None and self.submission.attempt is None

    @property
    def has_later_job(self) -> bool:
        """The ledger knows of a later job than the status, which a killed host can leave out of date."""
        return self.submission is not None and self.submission.job_attempt > self.status.job_attempt


def objection(run: RunBefore) -> str | None:
    """Why the run must not be run again before somebody has looked, and at what; None if it may be."""
    if not run.ended:
        return _goes_on(run)
    job = run.status.job
    if job and bucket_of(job["status"]) is not Bucket.ENDED:
        return (
            f"Job {job['name']} of run {run.run_id} may still run: its last known status is {job['status']}."
            f" Look at it in Azure ML Studio, and cancel it there or let it end. Then {_CONFIRM}"
        )
    if (job is None or run.has_later_job) and _may_have_a_job(run):
        named = f", job {run.owned_job}" if run.owned_job else ""
        return (
            f"Run {run.run_id} may have a job of which it does not know the end{named}. Look for it in Azure ML"
            " Studio, by the run's output or by the time. If there is one, let it end, or cancel it there. If none"
            f" runs, {_CONFIRM}"
        )
    return None


def _goes_on(run: RunBefore) -> str:
    job = f", with job {run.status.job['name']}" if run.status.job else ""
    return (
        f"Run {run.run_id} goes on: it is {run.status.phase}{job}. Wait for its end, or cancel it. If you know that"
        f" it has no job and gets none, {_CONFIRM}"
    )


def _may_have_a_job(run: RunBefore) -> bool:
    code = run.status.error["code"] if run.status.error else None
    if code == ErrorCode.SUBMISSION_UNCERTAIN:
        return True
    knew = code in KNOWN_CODES - _SAYS_NOTHING_OF_THE_JOB and run.status.phase in OUTCOMES
    if knew:
        return False
    return run.submission is None or run.submission.attempt is not None or bool(run.owned_job)
