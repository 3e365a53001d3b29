"""Which caller starts a window of new data: Event Grid may deliver one event several times at once."""

from datetime import datetime, timedelta
from uuid import uuid4

from batch.timestamps import format_timestamp, parse_timestamp
from ledger.retry import settled
from ledger.run_row import PARTITION
from ledger.table import Insert, Key, Replace, RowChanged, RowExists, Table, delete_if_there


def window_key(window_id: str) -> Key:
    return Key(PARTITION, f"window {window_id}")


async def take_window_start(table: Table, window_id: str, now: datetime, starts_within: timedelta) -> bool:
    """Whether this caller, and no other, may start the window.

    The first caller may. Later another one may, if it comes more than ``starts_within`` after the last that might.
    """
    key = window_key(window_id)
    values = {"Start": uuid4().hex, "StartingAt": format_timestamp(now)}

    async def step() -> bool:
        try:
            await table.write(Insert(key, values))
            return True
        except RowExists:
            present = await table.read(key)
        if present is None:
            return await step()
        if present.values["Start"] == values["Start"]:
            # The answer to an earlier try was lost.
            return True
        starting_at = parse_timestamp(present.values["StartingAt"])
        if starting_at is None or now < starting_at + starts_within:
            return False
        try:
            await table.write(Replace(key, values, present.etag))
        except RowChanged:
            return False
        return True

    return await settled(step)


async def forget_window(table: Table, window_id: str) -> None:
    # Versions before 1.2 wrote no such row.
    await delete_if_there(table, window_key(window_id))
