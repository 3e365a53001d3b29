"""The list at its smallest size, and the ledgers that are written from the beginning."""

from pathlib import Path

import pytest

from benchmarks import list_of_runs
from benchmarks.azurite import ACCOUNT, AZURITE
from benchmarks.azurite import azurite as serving
from benchmarks.kept_runs import NEWEST_20, PARTITION, fill_emulator, fill_sqlite, rows, run_id
from benchmarks.report import Verdict
from ledger.sqlite_table import SqliteTable
from ledger.storage_table import StorageTable
from ledger.table import Insert, Key, RowExists, Table

RUNS = 300


@pytest.fixture
def azurite() -> None:
    if not AZURITE.exists():
        pytest.skip("no Azurite: run make azurite")


def test_newest_runs_come_first_and_only_the_last_are_under_way() -> None:
    keys = [key for key, _ in rows(RUNS)]
    assert len(keys) == len(set(keys)) == 2 * RUNS + 100
    newest = sorted(key for key in keys if NEWEST_20.after < key < NEWEST_20.before)
    assert [key.rpartition(" ")[2] for key in newest] == [run_id(RUNS - 1 - number) for number in range(RUNS)]
    under_way = {key.rpartition(" ")[2] for key in keys if key.startswith("open ")}
    assert under_way == {run_id(number) for number in range(RUNS - 100, RUNS)}


def test_the_list_is_measured_on_sqlite_where_azurite_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_of_runs, "AZURITE", Path("missing"))
    figure = list_of_runs.figure(quick=True)
    assert [row[0] for row in figure.rows] == ["SQLite", "Azurite"]
    assert "make azurite" in figure.rows[1][1]
    assert [bar.verdict for bar in figure.bars] == [Verdict.MET] * 2


def test_the_list_is_measured_on_azurite(azurite: None) -> None:
    figure = list_of_runs.figure(quick=True)
    assert [row[2] for row in figure.rows] == ["1", "1"]
    assert len(figure.bars) == 4


async def test_a_filled_file_is_a_ledger_like_any_other(tmp_path: Path) -> None:
    await fill_sqlite(tmp_path / "ledger.db", RUNS)
    table = SqliteTable(tmp_path / "ledger.db")
    await goes_on(table)
    await table.close()


async def test_a_filled_emulator_is_a_ledger_like_any_other(azurite: None, tmp_path: Path) -> None:
    fill_emulator(tmp_path, ACCOUNT, "KeptRunsLedger", RUNS)
    with serving(tmp_path) as account:
        table = StorageTable(account, "KeptRunsLedger")
        await goes_on(table)
        await table.close()


async def goes_on(table: Table) -> None:
    written = dict(rows(RUNS))
    oldest = await table.read(Key(PARTITION, f"id {run_id(0)}"))
    assert oldest is not None and oldest.values == written[oldest.key.row]
    with pytest.raises(RowExists):
        await table.write(Insert(oldest.key, {}))
    newer = Key(PARTITION, f"at {0:015} newer")
    await table.write(Insert(newer, {"RunId": "newer"}))
    found = [row.values["RunId"] for row in await table.rows(NEWEST_20)]
    assert found == ["newer", *(run_id(RUNS - number) for number in range(1, 20))]
