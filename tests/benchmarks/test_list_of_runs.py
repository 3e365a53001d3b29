"""The lists at their smallest size, and the ledgers that are written from the beginning."""

from pathlib import Path

import pytest

from batch.addresses import PUBLIC_CLOUD
from batch.api.run_query import RunQuery
from benchmarks import list_of_runs
from benchmarks.azurite import ACCOUNT
from benchmarks.azurite import azurite as serving
from benchmarks.kept_runs import UNDER_WAY, Rows, fill_emulator, fill_sqlite, rows_of_runs, run_id
from benchmarks.report import Verdict
from ledger.connection import open_table, table_name
from ledger.listing import runs_page
from ledger.run_row import PARTITION, run_key
from ledger.table import Insert, Key, RowExists, Table

RUNS = 300
HUB = "KeptRuns"


@pytest.fixture
def azurite() -> None:
    """conftest.py gives its users the marker ``storage``."""


def newest(count: int, of: int = RUNS) -> list[str]:
    return [run_id(of - number) for number in range(1, count + 1)]


def test_the_list_is_measured_on_sqlite_where_azurite_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_of_runs, "AZURITE", Path("missing"))
    figure = list_of_runs.figure(quick=True)
    assert [row[2] for row in figure.rows] == ["21", "1", ""]
    assert "make azurite" in figure.rows[2][1]
    assert [bar.verdict for bar in figure.bars] == [Verdict.MET] * 4


def test_the_list_is_measured_on_azurite(azurite: None) -> None:
    figure = list_of_runs.figure(quick=True)
    assert [row[2] for row in figure.rows] == ["21", "1"] * 2
    assert len(figure.bars) == 8


async def test_a_filled_file_is_a_ledger_like_any_other(tmp_path: Path) -> None:
    rows = await rows_of_runs(RUNS)
    path = tmp_path / "ledger.db"
    await fill_sqlite(path, rows)
    await is_a_ledger(f"sqlite:{path}", rows)


async def test_a_filled_emulator_is_a_ledger_like_any_other(azurite: None, tmp_path: Path) -> None:
    rows = await rows_of_runs(RUNS)
    fill_emulator(tmp_path, ACCOUNT, table_name(HUB), rows)
    with serving(tmp_path) as connection:
        await is_a_ledger(connection, rows)


async def is_a_ledger(connection: str, rows: Rows) -> None:
    table = open_table(HUB, {"AzureWebJobsStorage": connection}, PUBLIC_CLOUD)
    try:
        await keeps(table, rows)
    finally:
        await table.close()  # type: ignore[attr-defined]  # not of the protocol


async def keeps(table: Table, rows: Rows) -> None:
    listed = await runs_page(table, RunQuery(), "", 20)
    assert [run.run_id for run in listed] == newest(20)
    ended = await runs_page(table, RunQuery(phases=frozenset({"Completed"})), "", 20)
    assert [run.run_id for run in ended] == newest(20, of=RUNS - UNDER_WAY)
    going_on = await runs_page(table, RunQuery(phases=frozenset({"Queued"})), "", RUNS)
    assert [run.run_id for run in going_on] == newest(UNDER_WAY)
    oldest = await table.read(run_key(run_id(0)))
    assert oldest is not None and oldest.values == rows[oldest.key.row]
    with pytest.raises(RowExists):
        await table.write(Insert(oldest.key, {}))
    added = Key(PARTITION, "id added")
    await table.write(Insert(added, {"RunId": "added"}))
    row = await table.read(added)
    assert row is not None and row.values == {"RunId": "added"}
