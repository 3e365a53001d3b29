"""Rows of the ledger for many runs that are kept, and ledgers that hold them from the beginning.

An insert into the storage emulator looks through all rows, so its file is written before it starts.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from batch.timestamps import format_timestamp
from ledger.sqlite_table import SqliteTable
from ledger.table import Key, Query

PARTITION = "runs"
NEWEST_20 = Query(PARTITION, after="at ", before="at~", top=20)
NEVER = Key(PARTITION, "id never-started")
_UNDER_WAY = 100
_FIRST_START = datetime(2026, 1, 1, tzinfo=UTC)
_BETWEEN_STARTS = timedelta(seconds=30)
_STATUS_LENGTH = 1_200
_ENDPOINT = "https://endpoint.westeurope.inference.ml.azure.com/jobs"
_LONGEST_TIME = 10**15

_EMULATOR_FILE = "__azurite_db_table__.json"
_EMULATOR_TIME = "2026-01-01T00:00:00.0000000Z"
_EMULATOR_ETAG = "W/\"datetime'2026-01-01T00%3A00%3A00.0000000Z'\""

_OPTIONS = {
    "adaptiveBinaryIndices": True,
    "disableChangesApi": True,
    "disableDeltaChangesApi": True,
    "disableFreeze": True,
    "cloneMethod": "parse-stringify",
}

Values = Mapping[str, str]


def run_id(number: int) -> str:
    return f"nightly-{number:06}"


def rows(count: int) -> Iterator[tuple[str, Values]]:
    """Row keys and values of ``count`` runs, in the order in which they were started; the newest are under way."""
    for number in range(count):
        run = run_id(number)
        started_at = _FIRST_START + number * _BETWEEN_STARTS
        newest_first = f"{_LONGEST_TIME - 1 - int(started_at.timestamp() * 1000):015} {run}"
        under_way = number >= count - _UNDER_WAY
        values = _values(run, format_timestamp(started_at), "Running" if under_way else "Completed")
        yield f"id {run}", values
        yield f"at {newest_first}", values
        if under_way:
            yield f"open {newest_first}", values


async def fill_sqlite(path: Path, count: int) -> None:
    """The file of a ``SqliteTable``."""
    table = SqliteTable(path)
    # The first call makes the schema.
    await table.read(NEVER)
    await table.close()
    store = sqlite3.connect(path)
    with store:
        store.executemany(
            "INSERT INTO ledger VALUES (?, ?, ?, ?)",
            (
                (PARTITION, key, f"{number:x}", json.dumps(values))
                for number, (key, values) in _numbered(count)
            ),
        )
    store.close()


def fill_emulator(folder: Path, account: str, table: str, count: int) -> None:
    """The file in which Azurite 3.35.0 keeps its tables: a database of LokiJS, in which $loki numbers the rows."""
    with (folder / _EMULATOR_FILE).open("w", encoding="utf-8") as file:
        file.write('{"collections": [')
        tables = [{"account": account, "table": table, "meta": {}, "$loki": 1}]
        _write_collection(file, "$TABLES_COLLECTION$", {"account": [0], "table": [0]}, tables)
        file.write(", ")
        keys = [key for key, _ in rows(count)]
        positions = range(len(keys))
        indices = {"PartitionKey": positions, "RowKey": sorted(positions, key=keys.__getitem__)}
        entities = (_entity(number, key, values) for number, (key, values) in _numbered(count))
        _write_collection(file, f"{account}${table}", indices, entities)
        file.write('], "databaseVersion": 1.5, "engineVersion": 1.5}')


def _numbered(count: int) -> Iterator[tuple[int, tuple[str, Values]]]:
    return enumerate(rows(count), 1)


def _write_collection(
    file: TextIO, name: str, indices: Mapping[str, Sequence[int]], documents: Iterable[Mapping[str, object]]
) -> None:
    """An index has the positions of the documents in the order of one of their values."""
    described = {
        index: {"name": index, "dirty": False, "values": [*positions]} for index, positions in indices.items()
    }
    head = json.dumps({"name": name, "binaryIndices": described, "changes": [], "dirtyIds": [], **_OPTIONS})
    file.write(f'{head[:-1]}, "data": [')
    last = 0
    for last, document in enumerate(documents, 1):
        file.write(("," if last > 1 else "") + json.dumps(document))
    file.write(f'], "maxId": {last}}}')


def _entity(number: int, key: str, values: Values) -> dict[str, object]:
    keys = {"PartitionKey": PARTITION, "RowKey": key}
    time = {"Timestamp": _EMULATOR_TIME, "Timestamp@odata.type": "Edm.DateTime"}
    return {
        **keys,
        "properties": {**keys, **values, **time},
        "lastModifiedTime": _EMULATOR_TIME,
        "eTag": _EMULATOR_ETAG,
        "meta": {},
        "$loki": number,
    }


def _values(run: str, started_at: str, phase: str) -> Values:
    status = {"phase": phase, "job": {"name": f"batchjob-{run}", "status": phase}, "checks": 12, "rest": ""}
    rest = "x" * (_STATUS_LENGTH - len(json.dumps(status)))
    return {
        "RunId": run,
        "StartedAt": started_at,
        "Endpoint": _ENDPOINT,
        "Source": "",
        "Phase": phase,
        "Status": json.dumps({**status, "rest": rest}),
    }
