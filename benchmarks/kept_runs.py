"""The rows of the ledger for many runs that are kept, and ledgers that hold them from the beginning.

The ledger's own functions make the rows, so they are those that the app would write. An insert into the storage
emulator looks through all rows, so its file is written before it starts.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from batch.run.phases import Phase
from batch.run.request import Binding, RunRequest
from batch.run.source import DataSource
from batch.run.state import Run
from batch.run.status import JobView, RunStatus
from batch.timestamps import format_timestamp
from ledger.job_owners import own_job
from ledger.run_row import PARTITION
from ledger.runs import RunEnd, add_run, end_run, new_row
from ledger.sqlite_table import SqliteTable
from ledger.table import Change, Delete, Insert, Key, Merge, Query, Replace, Row

UNDER_WAY = 100
"""The newest so many runs have not ended."""
_FIRST_START = datetime(2026, 1, 1, tzinfo=UTC)
_BETWEEN_STARTS = timedelta(seconds=30)
_LASTS = timedelta(minutes=40)
_WORKSPACE = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/scoring"
    "/providers/Microsoft.MachineLearningServices/workspaces/scoring"
)

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

Rows = Mapping[str, Mapping[str, str]]
"""Values by row key, in the order in which the rows were inserted."""


def run_id(number: int) -> str:
    return f"nightly-{number:06}"


async def rows_of_runs(count: int) -> Rows:
    """Of runs that were started one after the other."""
    kept = _KeptRows()
    for number in range(count):
        started_at = _FIRST_START + number * _BETWEEN_STARTS
        run, job = _run(number), f"batchjob-{number:08}"
        row = new_row(run_id(number), run, started_at)
        await add_run(kept, row, run)
        await own_job(kept, row, job)
        if number < count - UNDER_WAY:
            await end_run(kept, row, RunEnd(_status(run, job, started_at), "Completed"))
    return kept.values


class _KeptRows:
    """Implements ``Table`` without its conflicts: nothing here is written twice."""

    def __init__(self) -> None:
        self.values: dict[str, Mapping[str, str]] = {}

    async def read(self, key: Key) -> Row | None:
        raise NotImplementedError

    async def rows(self, query: Query) -> list[Row]:
        raise NotImplementedError

    async def write(self, *changes: Change) -> None:
        for change in changes:
            match change:
                case Insert(key, values) | Replace(key, values):
                    self.values[key.row] = values
                case Merge(key, values):
                    self.values[key.row] = {**self.values[key.row], **values}
                case Delete(key):
                    del self.values[key.row]


def _run(number: int) -> Run:
    folder = f"incoming/2026/{number:06}/"
    first = _FIRST_START + number * _BETWEEN_STARTS
    return Run(
        request=RunRequest(
            endpoint_uri="https://endpoint.westeurope.inference.ml.azure.com/jobs",
            inputs={"data": Binding(type="UriFolder", uri=f"azureml://datastores/lake/paths/{folder}")},
            outputs={},
            poll_interval=120,
            timeout=86_400,
            on_timeout="cancel",
        ),
        source=DataSource(
            container="lake",
            folder=folder,
            count=4,
            first_event_at=first,
            last_event_at=first,
            names=tuple(f"part-{part:05}-of-00004.parquet" for part in range(4)),
        ),
    )


def _status(run: Run, job: str, started_at: datetime) -> RunStatus:
    assert run.source is not None
    principal = "00000000-0000-0000-0000-000000000000"
    start, end = format_timestamp(started_at), format_timestamp(started_at + _LASTS)
    studio_url = f"https://ml.azure.com/runs/{job}?wsid={_WORKSPACE}"
    return RunStatus(
        phase=Phase.COMPLETED,
        endpoint_uri=run.request.endpoint_uri,
        identity={
            "client_id": principal,
            "object_id": principal,
            "tenant_id": principal,
            "token_expires_at": end,
        },
        job=JobView(name=job, status="Completed", studio_url=studio_url),
        checks=20,
        started_at=start,
        submitted_at=start,
        running_at=start,
        last_check_at=end,
        ended_at=end,
        source=run.source.shortened_view(),
    )


async def fill_sqlite(path: Path, rows: Rows) -> None:
    """The file of a ``SqliteTable``."""
    table = SqliteTable(path)
    # The first call makes the schema.
    await table.read(Key(PARTITION, "none"))
    await table.close()
    store = sqlite3.connect(path)
    with store:
        store.executemany(
            "INSERT INTO ledger VALUES (?, ?, ?, ?)",
            ((PARTITION, key, "etag", json.dumps(values)) for key, values in rows.items()),
        )
    store.close()


def fill_emulator(folder: Path, account: str, table: str, rows: Rows) -> None:
    """The file in which Azurite 3.35.0 keeps its tables: a database of LokiJS, in which $loki numbers the rows."""
    keys = list(rows)
    positions = range(len(keys))
    indices = {"PartitionKey": positions, "RowKey": sorted(positions, key=keys.__getitem__)}
    entities = (_entity(number, key, values) for number, (key, values) in enumerate(rows.items(), 1))
    tables = [{"account": account, "table": table, "meta": {}, "$loki": 1}]
    with (folder / _EMULATOR_FILE).open("w", encoding="utf-8") as file:
        file.write('{"collections": [')
        _write_collection(file, "$TABLES_COLLECTION$", {"account": [0], "table": [0]}, tables)
        file.write(", ")
        _write_collection(file, f"{account}${table}", indices, entities)
        file.write('], "databaseVersion": 1.5, "engineVersion": 1.5}')


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


def _entity(number: int, key: str, values: Mapping[str, str]) -> dict[str, object]:
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
