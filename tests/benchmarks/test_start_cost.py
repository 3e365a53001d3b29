"""The model of storage transactions, against the recorded extension; then the figure at its smallest size."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks import start_cost
from benchmarks.contestants.observed_host import Record, count_calls_of_ledger
from benchmarks.report import Verdict
from benchmarks.storage_cost import (
    TRANSACTIONS,
    Invocation,
    ManagementRequest,
    Work,
    transactions,
    waits_for_next_check,
    work_of_invocations,
    work_of_request,
)
from ledger.sqlite_table import SqliteTable
from ledger.storage_table import StorageTable
from ledger.table import Insert, Key, Query
from packages.functions_host.tests.recordings import recording

CLAIM_AND_OWNER = 2
"""The entities of the recorded app, with one operation each during a start."""


def recorded(run_id: str) -> list[list[Invocation]]:
    """The invocations of a recorded run, divided where it began to wait for its next check."""
    parts: list[list[Invocation]] = [[]]
    for record in of_run(run_id):
        answer = record["answer"]
        one = Invocation(
            record["kind"], record["data"], answer["value"] if answer["type"] == "json" else None
        )
        parts[-1].append(one)
        if waits_for_next_check(one):
            parts.append([])
    return parts


def of_run(run_id: str) -> list[dict[str, Any]]:
    """The recorded runs follow each other."""
    records = recording("invocations")
    owners = [json.loads(record["data"]).get("instanceId") for record in records]
    first = owners.index(run_id)
    others = (number for number in range(first, len(records)) if owners[number] not in (None, run_id))
    return records[first : next(others, len(records))]


def test_a_recorded_start_costs_as_much_as_was_measured() -> None:
    work = work_of_invocations(recorded("run-checks")[0])
    assert work == {
        Work.CONTROL_MESSAGE: 4 + CLAIM_AND_OWNER,
        Work.WORK_ITEM: 3,
        Work.EPISODE: 4 + CLAIM_AND_OWNER,
    }
    asked_by_the_app = Counter({Work.START: 1, Work.STATUS_READ: 1, Work.ENTITY_READ: 5})
    assert 40 <= transactions(work + asked_by_the_app) <= 50


def test_a_recorded_check_costs_as_much_as_was_measured() -> None:
    work = work_of_invocations(recorded("run-checks")[1])
    assert work == {Work.CONTROL_MESSAGE: 2, Work.WORK_ITEM: 1, Work.EPISODE: 2}
    assert transactions(work + Counter({Work.ENTITY_READ: 1})) == 13


def test_a_nudge_costs_a_message_and_an_episode() -> None:
    nudged = [work_of_invocations(part) for part in recorded("run-checks") if len(part) == 1]
    assert nudged == [{Work.CONTROL_MESSAGE: 1, Work.EPISODE: 1}]


def test_an_orchestrator_that_fails_has_written_its_end() -> None:
    failed = work_of_invocations(recorded("run-failed")[-1])
    assert failed[Work.EPISODE] == 4 + CLAIM_AND_OWNER + 1  # one more, because the owner is released


@pytest.mark.parametrize(
    ("method", "path", "work"),
    [
        ("POST", "/orchestrators/batch_run/run-1", Work.START),
        ("GET", "/instances/run-1", Work.STATUS_READ),
        ("GET", "/entities/submission/run-1", Work.ENTITY_READ),
        ("POST", "/entities/submission/run-1", None),
    ],
)
def test_requests_to_the_management_api_have_a_weight(method: str, path: str, work: Work | None) -> None:
    assert work_of_request(ManagementRequest(method, path)) is work


@pytest.mark.parametrize(("method", "path"), [("GET", "/instances"), ("DELETE", "/instances/run-1")])
def test_a_request_without_a_weight_is_not_left_out(method: str, path: str) -> None:
    with pytest.raises(ValueError, match="no weight"):
        work_of_request(ManagementRequest(method, path))


def test_all_work_has_a_weight() -> None:
    assert set(TRANSACTIONS) == set(Work)


def test_both_apps_are_measured_and_the_old_one_costs_what_the_extension_made_of_it() -> None:
    figure = start_cost.figure(quick=True)
    with_entities = {row[0].rpartition(": ")[2]: row[2] for row in figure.rows}
    assert with_entities[Work.WORK_ITEM] == "3"
    assert with_entities[Work.EPISODE] == with_entities[Work.CONTROL_MESSAGE] == "6"
    assert with_entities[Work.LEDGER_READ] == with_entities[Work.LEDGER_WRITE] == "0"
    assert 40 <= int(with_entities["transactions of a start"]) <= 50
    assert with_entities["transactions of a check"] == "13"
    ratio, p99 = figure.bars
    assert ratio.measured > 0
    assert p99.verdict is Verdict.MET


async def test_each_call_of_the_ledger_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for table_class in (SqliteTable, StorageTable):
        for name in ("read", "rows", "write"):
            # So that the count ends with the test.
            monkeypatch.setattr(table_class, name, getattr(table_class, name))
    record = Record()
    count_calls_of_ledger(record)
    table = SqliteTable(tmp_path / "ledger.db")
    await table.write(Insert(Key("runs", "a"), {"RunId": "a"}), Insert(Key("runs", "b"), {"RunId": "b"}))
    await table.read(Key("runs", "a"))
    assert len(await table.rows(Query("runs", "", "c", top=2))) == 2
    await table.close()
    assert record.take() == {Work.LEDGER_WRITE: 1, Work.LEDGER_READ: 2}
    assert not record.take()
