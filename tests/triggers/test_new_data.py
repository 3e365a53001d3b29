"""What the trigger of new data starts, and what it counts: each upload once, as taken or as ignored."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from batch.new_data.settings import NewData
from ledger.run_row import PARTITION
from ledger.table import Query
from tests.batch.builders import settings
from tests.batch.new_data.events import TOPIC, created, envelope, rule, subject
from tests.ledger.counting_table import CountingTable
from tests.task_hub.task_hub import TaskHub
from tests.triggers.functions import INVOCATION, functions
from triggers.new_data import bp

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

NEW_DATA = functions(bp)["new_data"]
RULES = (
    rule(prefix="one/", suffix=".csv", start="file"),
    rule(prefix="raw/", start="file", input_uri="azureml://datastores/lake/paths/{path}"),
    rule(prefix="marked/", start="marker"),
    rule(prefix="out/", suffix=".csv"),
    rule(prefix="out/deeper/", suffix=".txt"),
)


class _Counts:
    def __init__(self) -> None:
        self.taken: list[str] = []
        self.ignored: list[tuple[str, str]] = []

    async def count_taken(self, client: Any, rule_id: str, what: str, run_id: str) -> None:
        assert rule_id in {rule.id for rule in RULES}
        self.taken.append(what)

    async def count_ignored(self, client: Any, reason: str, what: str) -> None:
        self.ignored.append((reason, what))


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch, table: CountingTable) -> Iterator[_Counts]:
    found = _Counts()
    monkeypatch.setattr("triggers.new_data.count_taken", found.count_taken)
    monkeypatch.setattr("triggers.new_data.count_ignored", found.count_ignored)
    monkeypatch.setattr("triggers.new_data.new_data_settings", lambda: NewData(topic=TOPIC, rules=RULES))
    monkeypatch.setattr("triggers.new_data.app_settings", settings)
    yield found


def _event(name: str, **data: Any) -> str:
    """As the worker gives it to the function."""
    return json.dumps(envelope(subject=subject(name), data=created(**data)))


async def _started(*events: str) -> list[str]:
    hub = TaskHub([])
    with hub.served():
        for event in events:
            await NEW_DATA(event=event, client=hub.binding, context=INVOCATION)
    return hub.started


async def test_an_upload_that_starts_a_run_is_counted_once(counts: _Counts) -> None:
    upload = _event("one/a.csv")
    assert len(await _started(upload, upload)) == 1
    assert (counts.taken, counts.ignored) == (["data/one/a.csv"], [])


async def test_an_upload_that_joins_a_window_is_counted_once(counts: _Counts) -> None:
    upload = _event("out/a.csv")
    [window] = await _started(upload, upload)
    assert window.startswith("window-folder-")
    assert (counts.taken, counts.ignored) == (["data/out/a.csv"], [])


async def test_a_copy_that_has_only_begun_gets_a_window_under_a_file_rule(counts: _Counts) -> None:
    [window] = await _started(_event("one/a.csv", api="CopyBlob", contentLength=0))
    assert window.startswith("window-file-")


async def test_a_marker_that_is_announced_twice_is_counted_once(counts: _Counts) -> None:
    begun = _event("marked/_SUCCESS", api="CreateFile", contentLength=0, sequencer="01")
    closed = _event("marked/_SUCCESS", api="FlushWithClose", contentLength=0, eTag="0x2", sequencer="02")
    assert len(await _started(begun, closed, begun)) == 1
    assert counts.taken == ["data/marked/_SUCCESS"]


@pytest.mark.parametrize(("api", "rows"), [("PutBlob", 0), ("SftpCommit", 0), ("CreateFile", 1)])
async def test_only_a_marker_that_may_be_announced_twice_has_a_row(
    counts: _Counts, table: CountingTable, api: str, rows: int
) -> None:
    [run_id] = await _started(_event("marked/_SUCCESS", api=api, contentLength=0))
    assert run_id.startswith("marker-")
    assert len(await table.rows(Query(PARTITION, "marker ", "marker ~", 10))) == rows


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("elsewhere/a.csv", {}, "prefix"),
        ("one/_a.csv", {}, "hidden"),
        ("marked/a.csv", {}, "marker"),
        ("one/a.txt", {}, "suffix"),
        # Two rules have the prefix: for one it has another suffix, for the other it is empty.
        ("out/deeper/a.csv", {"contentLength": 0}, "empty"),
        ("one/a.csv", {"api": "PutByMagic"}, "api"),
        ("one/a.csv", {"api": "CreateFile", "contentLength": 0}, "created_only"),
        ("raw/monday data/a.csv", {}, "name"),
    ],
)
async def test_an_upload_that_starts_nothing_is_counted_with_its_reason(
    counts: _Counts, name: str, data: dict[str, Any], reason: str
) -> None:
    assert await _started(_event(name, **data)) == []
    assert (counts.taken, counts.ignored) == ([], [(reason, f"data/{name}")])


@pytest.mark.parametrize("name", ["elsewhere/a.csv", "one/a.txt", "marked/part-0.csv", "one/_a.csv"])
async def test_of_an_upload_that_no_rule_takes_only_the_end_is_counted(counts: _Counts, name: str) -> None:
    await _started(
        _event(name, api="CreateFile", contentLength=0), _event(name, api="FlushWithClose", contentLength=5)
    )
    assert len(counts.ignored) == 1


async def test_an_event_with_a_damaged_name_is_counted(counts: _Counts) -> None:
    assert await _started(_event("one/a\ufffd.csv")) == []
    assert counts.ignored == [("malformed", subject("one/a\ufffd.csv"))]


async def test_a_secret_in_a_subject_is_not_logged_wherever_the_line_is_cut(
    counts: _Counts, caplog: pytest.LogCaptureFixture
) -> None:
    for length in range(950, 1_000):
        text = "x" * length + " https://user:pa55word-of-a-friend@evil.example/"
        await _started(json.dumps(envelope(subject=text)))
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 50
    assert not any("pa55" in line or len(line) > 1_200 for line in lines)


async def test_an_event_of_another_account_is_neither_named_nor_counted(
    counts: _Counts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for data in (created(), created(api="PutByMagic"), {}):
        for name in ("one/a.csv", "elsewhere/a.csv", "../a"):
            fields = {"topic": f"{TOPIC}2", "subject": subject(name), "data": data, "eventTime": "yesterday"}
            assert await _started(json.dumps(envelope(**fields))) == []
    assert (counts.taken, counts.ignored) == ([], [])
    assert not [record for record in caplog.records if record.name.startswith("triggers")]


async def test_an_event_that_reports_no_upload_is_not_counted(counts: _Counts) -> None:
    """Each upload by SFTP begins with such an event, and another one follows."""
    assert await _started(_event("one/a.csv", api="SftpCreate"), _event("one/folder/")) == []
    assert (counts.taken, counts.ignored) == ([], [])
