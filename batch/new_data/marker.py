"""Which events of a marker file belong to one upload of it.

A file that is written through the Data Lake endpoint is announced when it is created and, if its writer closes it,
once more. For a marker the first announcement is enough, so the run starts with it. The other event of the upload
then finds that run, however long after it comes; they may also come in the other order. A marker that is written anew
is another upload.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from batch.new_data.blob import Blob

_ORDER_BEGAN_ANEW_AFTER = timedelta(minutes=1)
"""An event that stands before another one, and is so much younger, shows that the order has begun anew."""


@dataclass(frozen=True, slots=True)
class MarkerUpload:
    """The newest upload of a marker that is known, with the run that it started.

    ``created`` and ``closed`` say where its two events stand (``Blob.order``); empty while one is not known.
    ``after`` is the last event of the uploads before, where the creation of this one may still come. ``at`` is the
    time of the youngest event that is known.
    """

    run_id: str
    created: str
    closed: str
    after: str
    at: datetime


def upload_with(known: MarkerUpload | None, blob: Blob, run_id: str) -> MarkerUpload:
    """The newest upload once ``blob`` has come. Its run is that of ``blob``, too; ``run_id`` if it is a new one.

    What is older than the known upload starts nothing: the marker was written again, and that run reads the folder
    as it is by then. But a storage account that was made again under its name may order its events anew, and so may
    one that failed over to another region.
    """
    if known is None or _order_began_anew(known, blob):
        known = MarkerUpload(run_id, created="", closed="", after="", at=blob.created_at)
    elif blob.order <= known.after:
        return known
    upload = (_with_created if blob.is_created_only else _with_closed)(known, blob.order, run_id)
    return known if upload == known else replace(upload, at=max(known.at, blob.created_at))


def _order_began_anew(known: MarkerUpload, blob: Blob) -> bool:
    return (
        blob.order < max(known.created, known.closed) and blob.created_at - known.at > _ORDER_BEGAN_ANEW_AFTER
    )


def _with_created(known: MarkerUpload, order: str, run_id: str) -> MarkerUpload:
    if not known.created and (order <= known.closed or not known.closed):
        return replace(known, created=order)
    if order > known.created:
        # A close that came before belongs to the last creation before it.
        closed = known.closed if known.closed >= order else ""
        return MarkerUpload(run_id, order, closed, after="", at=known.at)
    return known


def _with_closed(known: MarkerUpload, order: str, run_id: str) -> MarkerUpload:
    if order < known.created:
        return known
    if not known.closed:
        return replace(known, closed=order)
    if order < known.closed and not known.created:
        # It ends an upload before. A creation that comes later, and stands before it, belongs to that one.
        return replace(known, after=order)
    first, last = sorted((known.closed, order))
    # Two closes after one creation are two uploads, also if the later one has come first.
    if first != last:
        return MarkerUpload(run_id, created="", closed=last, after=max(known.created, first), at=known.at)
    return known
