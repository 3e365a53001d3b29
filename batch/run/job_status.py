"""Azure ML job statuses, as a closed map with four buckets.

The names are those of the service's own JobStatus enum. NotResponding may return to any earlier status. So neither
it nor Paused, Unknown or a status that this version does not know ends a run: the run shows it as it is and goes on
until its timeouts.
"""

from enum import Enum


class Bucket(Enum):
    WAITING = "waiting"
    WORKING = "working"
    ENDED = "ended"
    UNCLEAR = "unclear"


_BUCKETS = {
    "NotStarted": Bucket.WAITING,
    "Queued": Bucket.WAITING,
    "Preparing": Bucket.WAITING,
    "Provisioning": Bucket.WAITING,
    "Starting": Bucket.WAITING,
    "Running": Bucket.WORKING,
    "Finalizing": Bucket.WORKING,
    "CancelRequested": Bucket.WORKING,
    "Completed": Bucket.ENDED,
    "Failed": Bucket.ENDED,
    "Canceled": Bucket.ENDED,
    "NotResponding": Bucket.UNCLEAR,
    "Paused": Bucket.UNCLEAR,
    "Unknown": Bucket.UNCLEAR,
}
STALLED = frozenset({"NotResponding", "CancelRequested"})
"""A job may be in one of these for some minutes. One that stays there needs a person."""
_SPELLING = {name.casefold(): name for name in _BUCKETS}


def canonical(status: str) -> str:
    """Azure ML's own spelling of a known status ("failed" → "Failed"); any other unchanged."""
    return _SPELLING.get(status.strip().casefold(), status.strip())


def bucket_of(status: str) -> Bucket:
    return _BUCKETS.get(canonical(status), Bucket.UNCLEAR)
