"""Which runs need a person: those for which nothing happens any more, though something should.

A step that failed is no such case: the run retries it, and reports it as its problem.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from batch.run.phases import PENDING, has_ended
from batch.run.status import RunStatus
from batch.timestamps import parse_timestamp

STARTS_AFTER = timedelta(minutes=10)
"""A run is pending for some seconds; longer where the app has much to do."""
REPORTS_AFTER = timedelta(minutes=10)
"""The step that submits the job may take minutes, and reports nothing meanwhile."""
MISSED_INTERVALS = 3
LATE_AFTER = timedelta(minutes=1)
"""A check that is later by less is not missed, however short the interval is."""
MOVES_AFTER = timedelta(hours=1)


class AttentionCode(StrEnum):
    """Also the events of the log."""

    RUN_NOT_STARTED = "run_not_started"
    RUN_NOT_CHECKED = "run_not_checked"
    JOB_NOT_MOVING = "job_not_moving"


ADVICE: Mapping[str, str] = {
    AttentionCode.RUN_NOT_STARTED: (
        "Check that the app runs, and that it reaches the queues and tables of its task hub. After an hour the app"
        " starts the run anew under the same id. If the run still does not start, restart the app; if that does not"
        " help, delete the row of this run id in the Instances table of the task hub with Storage Explorer, and the"
        " app starts the run within minutes."
    ),
    AttentionCode.RUN_NOT_CHECKED: (
        "The job goes on in Azure ML without the run. If the run is suspended, resume it. Otherwise check that the"
        " app runs and is not overloaded, search its log for the run id, and restart the app. Do not start a"
        " second run, which could pay twice."
    ),
    AttentionCode.JOB_NOT_MOVING: (
        "Look at the job in Azure ML Studio: its nodes may be lost or may not stop. Cancel the job there, or scale"
        " the compute cluster down to zero nodes, if it stays as it is. The run ends with its job, or at its timeout."
    ),
}
"""What to do about each."""


@dataclass(frozen=True, slots=True)
class Attention:
    """``message`` stays the same while the cause lasts. ``since`` is the last moment at which all was well."""

    code: AttentionCode
    message: str
    since: datetime

    @property
    def advice(self) -> str:
        return ADVICE[self.code]


def attention(
    status: RunStatus,
    runtime_status: str,
    *,
    started_at: datetime,
    updated_at: datetime,
    poll_interval: timedelta | None,
    now: datetime,
) -> Attention | None:
    """Why the run needs a person, or None.

    ``updated_at`` is when its orchestration last did anything. ``poll_interval`` is None where the request was not
    read: then a run that reports nothing at all is not judged.
    """
    if has_ended(status.phase, runtime_status):
        return None
    if status.phase == PENDING and runtime_status == "Pending":
        return _not_started(started_at) if now > started_at + STARTS_AFTER else None
    suspended = runtime_status == "Suspended"
    return _not_checked(status, suspended, updated_at, poll_interval, now) or _not_moving(status, now)


def _not_started(started_at: datetime) -> Attention:
    message = f"The run was accepted at {_text(started_at)} and has not started yet."
    return Attention(AttentionCode.RUN_NOT_STARTED, message, started_at)


def _not_checked(
    status: RunStatus,
    suspended: bool,
    updated_at: datetime,
    poll_interval: timedelta | None,
    now: datetime,
) -> Attention | None:
    last, due = parse_timestamp(status.last_check_at), parse_timestamp(status.next_check_at)
    if last and due:
        since, limit = last, max(last + MISSED_INTERVALS * (due - last), due + LATE_AFTER)
        message = (
            f"The job was last checked at {_text(last)}. The check that was due at {_text(due)} is missing."
        )
    elif due:
        since, limit = due, due + REPORTS_AFTER
        message = f"The step of the run that was due at {_text(due)} is missing."
    else:
        since, silence = updated_at, REPORTS_AFTER
        if status.phase == PENDING:
            # A killed host can lose what the run reported: it reports again at its next check.
            if poll_interval is None:
                return None
            silence = max(silence, MISSED_INTERVALS * poll_interval)
        limit, message = since + silence, f"The run has reported nothing since {_text(since)}."
    if now <= limit:
        return None
    if suspended:
        message = f"The run is suspended, so nobody checks its job. {message}"
    return Attention(AttentionCode.RUN_NOT_CHECKED, message, since)


def _not_moving(status: RunStatus, now: datetime) -> Attention | None:
    since = parse_timestamp(status.stalled_since)
    if status.job is None or since is None or now <= since + MOVES_AFTER:
        return None
    message = f"Azure ML has shown the job as {status.job['status']} since {_text(since)}."
    return Attention(AttentionCode.JOB_NOT_MOVING, message, since)


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
