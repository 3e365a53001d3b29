"""What the timers say of uploads that started nothing, and of counts that they purge."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batch.new_data.settings import new_data
from batch.settings import app_settings
from ledger.errors import LedgerUnavailable
from ledger.rule_counts import IgnoredUpload, Taken, add_ignored, add_taken, rule_counts, rule_key
from tests.batch.builders import ENDPOINT_URI, after
from tests.ledger.counting_table import CountingTable
from tests.task_hub.task_hub import TaskHub
from tests.triggers.functions import functions
from triggers.housekeeping import bp

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

FUNCTIONS = functions(bp)


@pytest.fixture(autouse=True)
def rule_id(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("BATCH_ENDPOINT_URI", ENDPOINT_URI)
    monkeypatch.setenv("NEW_DATA_CONTAINER", "incoming")
    monkeypatch.setenv(
        "NEW_DATA_TOPIC",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/mylake",
    )
    for cached in (app_settings, new_data):
        cached.cache_clear()
    yield new_data().rules[0].id
    for cached in (app_settings, new_data):
        cached.cache_clear()


async def fire(timer: str) -> None:
    hub = TaskHub([])
    with hub.served():
        await FUNCTIONS[timer](timer=None, client=hub.binding)


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.getMessage().startswith(f"{event} ")]


async def test_ignored_uploads_are_told_once_the_most_frequent_reason_first(
    table: CountingTable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await fire("housekeeping")
    assert lines(caplog, "uploads_ignored") == []
    reasons = ("hidden", "suffix", "empty", "suffix")
    await add_ignored(table, [IgnoredUpload(after(0), "incoming/a", reason) for reason in reasons])
    await fire("housekeeping")
    await fire("housekeeping")
    assert lines(caplog, "uploads_ignored") == ["uploads_ignored count=4 suffix=2 empty=1 hidden=1"]
    await add_ignored(table, [IgnoredUpload(after(1), "incoming/a", "suffix")])
    await fire("housekeeping")
    assert lines(caplog, "uploads_ignored")[1:] == ["uploads_ignored count=1 suffix=1"]


async def test_what_could_not_be_told_is_told_in_the_next_call(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*changes: Any) -> None:
        raise LedgerUnavailable("it is busy", retry_after=3_600)

    caplog.set_level(logging.INFO)
    await add_ignored(table, [IgnoredUpload(after(0), "incoming/a", "suffix")])
    with monkeypatch.context() as busy:
        busy.setattr(table.table, "write", fail)
        await fire("housekeeping")
    assert lines(caplog, "uploads_ignored") == []
    assert any('part="report ignored uploads"' in line for line in lines(caplog, "housekeeping_failed"))
    await fire("housekeeping")
    assert lines(caplog, "uploads_ignored") == ["uploads_ignored count=1 suffix=1"]


async def test_counts_of_rules_that_are_gone_go_with_the_retention(
    table: CountingTable, rule_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    long_ago = datetime.now(UTC) - app_settings().run_retention - timedelta(days=1)
    recently = long_ago + timedelta(days=2)
    for each, at in ((rule_id, long_ago), ("gone", long_ago), ("gone-recently", recently)):
        await add_taken(table, rule_key(each), [Taken(at, "incoming/a", "r")])
    await fire("purge_history")
    assert set(await rule_counts(table)) == {rule_id, "gone-recently"}
    [line] = lines(caplog, "rule_counts_purged")
    assert line.startswith("rule_counts_purged rules=1 unused_since=")
