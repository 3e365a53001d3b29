"""The times at which a run gives something up."""

from datetime import datetime, timedelta

from batch.errors import ErrorCode
from batch.run.state import CancelCause, Run

REFUSED_GRACE = timedelta(minutes=15)
"""How long a submission, or the reads of a job, may be refused: roles and new secrets take some minutes."""

CANCEL_GRACE = timedelta(minutes=10)
"""How long a run that is out of time waits until its job is canceled: stopping nodes may take Azure ML minutes."""


def deadline(run: Run) -> datetime:
    """The end of the run's ``timeout``."""
    assert run.started_at is not None
    return run.started_at + timedelta(seconds=run.request.timeout)


def queue_deadline(run: Run) -> datetime | None:
    """The end of the run's ``queue_timeout``, while its job waits for capacity."""
    if run.request.queue_timeout is None or run.submitted_at is None or run.running_at is not None:
        return None
    return run.submitted_at + timedelta(seconds=run.request.queue_timeout)


def expired(run: Run, now: datetime) -> CancelCause | None:
    """The deadline that is over, as the cause to cancel the job."""
    if now >= deadline(run):
        return CancelCause.TIMEOUT
    queue_ends = queue_deadline(run)
    return CancelCause.QUEUE_TIMEOUT if queue_ends and now >= queue_ends else None


def cancel_deadline(run: Run) -> datetime | None:
    """When a run stops waiting for its job to be canceled.

    A run that is out of time waits for the grace, a run that is canceled on request for its ``cancel_timeout``. Runs
    of versions before 1.3 know no such time: they wait until their own timeout, plus the grace.
    """
    if run.cancellation is None:
        return None
    if run.cancellation.gives_up_at:
        return run.cancellation.gives_up_at
    since = run.cancellation.requested_at
    if run.cancellation.cause is CancelCause.REQUEST:
        since = max(since, deadline(run))
    return since + CANCEL_GRACE


def refusal_deadline(run: Run) -> datetime | None:
    """When a run gives up a submission that is refused with 401 or 403."""
    if run.refused_since is None or run.problem is None or run.problem.code != ErrorCode.ACCESS_DENIED:
        return None
    return run.refused_since + REFUSED_GRACE
