"""The rules as callers see them: in the order of the settings, each with what it took."""

import json
from collections.abc import Iterator
from typing import Any

import azure.functions as func
import pytest

from batch.api.rules_view import STARTS
from batch.new_data.rules import Start
from batch.new_data.settings import new_data
from batch.settings import app_settings
from ledger.errors import LedgerUnavailable
from ledger.rule_counts import IgnoredUpload, Taken, add_ignored, add_taken, rule_key
from tests.batch.builders import ENDPOINT_URI, after
from tests.ledger.counting_table import CountingTable
from tests.task_hub.task_hub import TaskHub
from tests.triggers.functions import functions
from triggers.rules import bp

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

GET_RULES = functions(bp)["get_rules"]
TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/mylake"
RULES: list[dict[str, Any]] = [
    {"container": "incoming", "prefix": "day/", "start": "marker"},
    {"container": "incoming", "suffix": ".csv", "quiet_seconds": 60, "tags": {"team": "fraud"}},
]


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """They are read when they are first needed."""
    monkeypatch.setenv("BATCH_ENDPOINT_URI", ENDPOINT_URI)
    for cached in (app_settings, new_data):
        cached.cache_clear()
    yield
    for cached in (app_settings, new_data):
        cached.cache_clear()


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW_DATA_RULES", json.dumps(RULES))
    monkeypatch.setenv("NEW_DATA_TOPIC", TOPIC)


async def ask() -> tuple[int, Any]:
    hub = TaskHub([])
    request = func.HttpRequest(method="GET", url="https://app/api/rules", params={}, body=b"")
    with hub.served():
        answer = await GET_RULES(req=request, client=hub.binding)
    return answer.status_code, json.loads(answer.get_body())


@pytest.mark.usefixtures("configured")
async def test_each_rule_says_what_it_is_and_that_it_took_nothing_yet(table: CountingTable) -> None:
    status, view = await ask()
    assert (status, view["topic"]) == (200, TOPIC)
    assert view["ignored"] == {"count": 0, "by_reason": {}, "last": None}
    assert [rule["id"] for rule in view["rules"]] == [rule.id for rule in new_data().rules]
    nothing_yet = {"taken": 0, "last": None, "next_start_at": None}
    assert [{name: value for name, value in rule.items() if name != "id"} for rule in view["rules"]] == [
        {
            "index": 0,
            "start": "marker",
            "fields": {"container": "incoming", "prefix": "day/"},
            **nothing_yet,
        },
        {
            "index": 1,
            "start": "folder",
            "fields": {"container": "incoming", "suffix": ".csv", "tags": {"team": "fraud"}},
            **nothing_yet,
        },
    ]


@pytest.mark.usefixtures("configured")
async def test_each_rule_has_its_own_count(table: CountingTable) -> None:
    marker, folder = new_data().rules
    await add_taken(
        table, rule_key(folder.id), [Taken(after(n), f"incoming/a/{n}.csv", f"r-{n}") for n in (1, 2)]
    )
    await add_taken(table, rule_key("of-settings-before"), [Taken(after(0), "incoming/a", "r")])
    await add_ignored(
        table,
        [
            IgnoredUpload(after(number), f"incoming/{number}", reason)
            for number, reason in enumerate(("suffix", "hidden", "suffix"))
        ],
    )
    _, view = await ask()
    assert [(rule["id"], rule["taken"]) for rule in view["rules"]] == [(marker.id, 0), (folder.id, 2)]
    assert view["rules"][1]["last"] == {
        "at": "2026-01-31T12:00:02.000Z",
        "upload": "incoming/a/2.csv",
        "due_at": None,
        "run_id": "r-2",
    }
    assert view["ignored"] == {
        "count": 3,
        "by_reason": {"hidden": 1, "suffix": 2},
        "last": {"at": "2026-01-31T12:00:02.000Z", "upload": "incoming/2", "reason": "suffix"},
    }


async def test_an_app_without_rules_has_none(table: CountingTable) -> None:
    status, view = await ask()
    assert (status, view["topic"], view["rules"]) == (200, None, [])


@pytest.mark.usefixtures("configured")
async def test_one_read_and_one_query_show_all_rules(table: CountingTable) -> None:
    await ask()
    assert (table.reads, table.queries, table.writes) == (1, 1, 0)


@pytest.mark.usefixtures("configured")
async def test_without_the_ledger_there_is_no_answer(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise LedgerUnavailable("it is busy")

    monkeypatch.setattr(table.table, "read", fail)
    status, problem = await ask()
    assert status == 503
    assert "The ledger of runs is not available: it is busy" in problem["detail"]


def test_the_contract_names_each_kind_of_start() -> None:
    assert {*Start, "schedule"} == {*STARTS}
