"""Which events of a marker file belong to one upload of it.

A file that is written through the Data Lake endpoint is announced when it is created and, if its writer closes it,
once more. For a marker the first announcement is enough, so the run starts with it. The other event of the upload
then finds that run, however long after it comes; they may also come in the other order. A marker that is written anew
is another upload.
"""

from dataclasses import dataclass, replace
from typing import Self

from batch.new_data.blob import Blob


@dataclass(frozen=True, slots=True)
class MarkerUpload:
    """The newest upload of a marker that is known, with the run that it started.

    ``created`` and ``closed`` say where its two events stand (``Blob.order``); empty while one is not known.
    """

    run_id: str
    created: str
    closed: str

    @classmethod
    def begun_by(cls, blob: Blob, run_id: str, closed: str = "") -> Self:
        if blob.is_created_only:
            return cls(run_id, blob.order, closed)
        return cls(run_id, "", blob.order)


def upload_with(known: MarkerUpload | None, blob: Blob, run_id: str) -> MarkerUpload:
    """The newest upload once ``blob`` has come. Its run is that of ``blob``, too; ``run_id`` if it is a new one.

    What is older than the known upload starts nothing: the marker was written again, and that run reads the folder
    as it is by then.
    """
    if known is None:
        return MarkerUpload.begun_by(blob, run_id)
    if blob.is_created_only:
        return _with_created(known, blob, run_id)
    return _with_closed(known, blob, run_id)


def _with_created(known: MarkerUpload, blob: Blob, run_id: str) -> MarkerUpload:
    if not known.created and blob.order <= known.closed:
        return replace(known, created=blob.order)
    if blob.order > known.created:
        # A close that came before belongs to the last creation before it.
        closed = known.closed if known.closed >= blob.order else ""
        return MarkerUpload.begun_by(blob, run_id, closed)
    return known


def _with_closed(known: MarkerUpload, blob: Blob, run_id: str) -> MarkerUpload:
    if not known.closed and blob.order >= known.created:
        return replace(known, closed=blob.order)
    if blob.order > known.closed and blob.order >= known.created:
        return MarkerUpload.begun_by(blob, run_id)
    return known
