"""The newest upload of each marker file that was written through the Data Lake endpoint: its events start one run."""

from datetime import datetime

from batch.new_data.blob import Blob
from batch.new_data.marker import MarkerUpload, upload_with
from batch.timestamps import format_timestamp, parse_timestamp
from ledger.retry import settled
from ledger.run_row import PARTITION
from ledger.table import (
    Comparison,
    Condition,
    Insert,
    Key,
    Query,
    Replace,
    Row,
    RowChanged,
    RowExists,
    Table,
    delete_if_there,
)

_KIND = "marker"


def marker_key(marker: str) -> Key:
    return Key(PARTITION, f"{_KIND} {marker}")


async def run_of_marker(table: Table, marker: str, blob: Blob, run_id: str, now: datetime) -> str:
    """The id of the run of ``blob``'s upload: ``run_id``, unless another event of the upload came before.

    ``marker`` stands for the file under its rule. Each delivery of an event gets the same answer.
    """
    key = marker_key(marker)

    async def step() -> str:
        row = await table.read(key)
        known = _upload(row) if row else None
        upload = upload_with(known, blob, run_id)
        if upload != known:
            values = _values(upload, now)
            try:
                await table.write(Replace(key, values, row.etag) if row else Insert(key, values))
            except (RowExists, RowChanged):
                return await step()
        return upload.run_id

    return await settled(step)


async def forget_markers(table: Table, before: datetime, limit: int) -> None:
    """Deletes up to ``limit`` rows of markers that have not been written since ``before``."""
    old = Condition("At", Comparison.BELOW, (format_timestamp(before),))
    query = Query(PARTITION, f"{_KIND} ", f"{_KIND} ~", limit, (old,), ("At",))
    for row in await table.rows(query):
        # Only as it was read: if the marker has been written since, its next event must find this upload.
        await delete_if_there(table, row.key, row.etag)


def _upload(row: Row) -> MarkerUpload:
    values = row.values
    at = parse_timestamp(values["EventAt"])
    assert at is not None, "this module writes ISO 8601"
    return MarkerUpload(values["RunId"], values["Created"], values["Closed"], values["After"], at)


def _values(upload: MarkerUpload, now: datetime) -> dict[str, str]:
    return {
        "RunId": upload.run_id,
        "Created": upload.created,
        "Closed": upload.closed,
        "After": upload.after,
        "EventAt": format_timestamp(upload.at),
        "At": format_timestamp(now),
    }
