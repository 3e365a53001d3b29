"""What a run that goes on does next: what it may submit, whether it cancels its job, when it takes its next step."""

from datetime import datetime, timedelta

from batch.run.deadlines import cancel_deadline, deadline, expired, queue_deadline, refusal_deadline
from batch.run.state import CancelCause, Cancellation, Run
from batch.run.steps import Failure, InvokeMode, Job

MIN_INTERVAL = timedelta(seconds=1)
"""The shortest time between two steps of a run. Nudges must not flood the service."""

LONGEST_CANCEL_CHECK_INTERVAL = timedelta(seconds=30)
"""Somebody waits for the cancel to take effect, whatever the poll interval of the run is."""

LONGEST_CANCEL_RETRY_INTERVAL = timedelta(minutes=5)
"""Also how long an accepted cancel may show no effect before it is requested again."""

LONGEST_SUBMIT_RETRY_INTERVAL = timedelta(minutes=5)
"""A run that waits to submit has nothing running: after an outage it starts within this time."""

_MAX_DOUBLINGS = 16
"""2 ** 16 s are 18 hours: more than any limit above, and far from an overflow."""


def invoke_mode(run: Run, now: datetime) -> InvokeMode:
    """What may be done for a run without a job: nothing is submitted past its deadline, nor before it is due."""
    if now >= deadline(run):
        return InvokeMode.FIND
    return InvokeMode.CHECK_FOR_CANCEL if run.step_due_at and now < run.step_due_at else InvokeMode.SUBMIT


def cancel_due(run: Run, now: datetime) -> CancelCause | None:
    """Why the job must be canceled now, or None. Assumes that the run goes on."""
    if run.job is None:
        return None
    if run.cancellation:
        return None if _is_being_canceled(run.job, run.cancellation, now) else run.cancellation.cause
    return expired(run, now)


def next_step_at(run: Run, now: datetime) -> datetime:
    """When the run takes its next step: after a delay, but no later than its next deadline."""
    step_at = now + _delay(run, now)
    if run.job is None and run.step_due_at:
        # A nudge interrupted the wait for a step, which is still due at its time.
        step_at = max(run.step_due_at, now)
    return min([step_at, *_deadlines_after(run, now)])


def earliest_step_at(run: Run) -> datetime:
    assert run.started_at is not None
    return (run.last_check_at or run.started_at) + MIN_INTERVAL


def _delay(run: Run, now: datetime) -> timedelta:
    poll_interval = timedelta(seconds=run.request.poll_interval)
    if run.cancellation and run.cancellation.attempts and not run.cancellation.accepted:
        return _delay_after_refused_cancel(run.cancellation)
    if run.problem:
        return _delay_after_failure(run.problem, run.failures, poll_interval if run.job else None)
    if run.cancellation:
        return _delay_while_canceling(run.cancellation, now, poll_interval)
    return poll_interval


def _delay_after_refused_cancel(cancellation: Cancellation) -> timedelta:
    return min(_doubled(cancellation.attempts), LONGEST_CANCEL_RETRY_INTERVAL)


def _delay_after_failure(problem: Failure, failures: int, poll_interval: timedelta | None) -> timedelta:
    """Doubles with each failure, up to the poll interval of a job; never less than the service asks for."""
    longest = poll_interval or LONGEST_SUBMIT_RETRY_INTERVAL
    return max(timedelta(seconds=problem.retry_after or 0), min(longest, _doubled(failures)))


def _delay_while_canceling(cancellation: Cancellation, now: datetime, poll_interval: timedelta) -> timedelta:
    """Half of the time since the request: short at first, then longer."""
    half = (now - cancellation.requested_at) / 2
    return min(poll_interval, max(MIN_INTERVAL, min(half, LONGEST_CANCEL_CHECK_INTERVAL)))


def _deadlines_after(run: Run, now: datetime) -> list[datetime]:
    deadlines = (deadline(run), queue_deadline(run), cancel_deadline(run), refusal_deadline(run))
    return [moment for moment in deadlines if moment and moment > now]


def _is_being_canceled(job: Job, cancellation: Cancellation, now: datetime) -> bool:
    """Azure ML accepted the request, and its effect shows or may still show."""
    asked_at = cancellation.accepted_at or cancellation.requested_at
    return cancellation.accepted and (
        job.status == "CancelRequested" or now < asked_at + LONGEST_CANCEL_RETRY_INTERVAL
    )


def _doubled(times: int) -> timedelta:
    return timedelta(seconds=2 ** min(times, _MAX_DOUBLINGS))
