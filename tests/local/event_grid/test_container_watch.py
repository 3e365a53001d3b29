"""Files in a folder become events of a storage account: their content, and their time."""

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.event_grid import (
    BLOB_CREATED,
    BLOB_RENAMED,
    Container,
    ContainerWatch,
    Event,
    Schema,
    blob_created,
    blob_renamed,
)
from local.event_grid.event import written
from local.event_grid.folder_scan import FolderMemory, Version, scan
from tests.waiting import wait_for

CONTAINER = Container("localdata", "incoming")
MODIFIED = 1_498_502_460_958_410_300


# --- the event ----------------------------------------------------------------------------------------------


def test_a_blob_event_in_full() -> None:
    event = written(
        blob_created(CONTAINER, "day 1/a#é?%.csv", "PutBlob", 524288, MODIFIED), Schema.EVENT_GRID
    )
    data: Any = event["data"]
    assert event["topic"] == CONTAINER.topic
    assert CONTAINER.topic.endswith("/providers/Microsoft.Storage/storageAccounts/localdata")
    assert event["subject"] == "/blobServices/default/containers/incoming/blobs/day 1/a#é?%.csv"
    assert event["eventType"] == "Microsoft.Storage.BlobCreated"
    assert event["eventTime"] == "2017-06-26T18:41:00.9584100Z"
    assert data.keys() == {
        *("api", "clientRequestId", "requestId", "eTag", "contentType", "contentLength", "blobType"),
        *("url", "sequencer", "storageDiagnostics"),
    }
    assert data["url"] == ("https://localdata.blob.core.windows.net/incoming/day%201/a%23%C3%A9%3F%25.csv")
    assert (data["api"], data["contentType"], data["contentLength"]) == ("PutBlob", "text/csv", 524288)
    ticks = int(data["eTag"].strip('"'), 16)
    assert ticks == 621_355_968_000_000_000 + MODIFIED // 100
    assert len(data["sequencer"]) == 32


@pytest.mark.parametrize(("api", "length"), [("CreateFile", 0), ("FlushWithClose", 700)])
def test_data_lake_events(api: Any, length: int) -> None:
    data = blob_created(CONTAINER, "a.csv", api, 700, MODIFIED).data
    assert data["url"] == "https://localdata.dfs.core.windows.net/incoming/a.csv"
    assert (data["contentLength"], data["contentOffset"]) == (length, length)


def test_what_rfc_3986_allows_in_a_path_stays_as_it_is_in_a_url() -> None:
    url = blob_created(CONTAINER, "date=2026-01-31/a,(1)@b;c+d'e!$&*~:.csv", "PutBlob", 1, MODIFIED).data[
        "url"
    ]
    assert url == CONTAINER.url("") + "date=2026-01-31/a,(1)@b;c+d'e!$&*~:.csv"


def test_a_copy_can_be_announced_before_its_content() -> None:
    data = blob_created(CONTAINER, "copy/a.csv", "CopyBlob", 0, MODIFIED).data
    assert (data["api"], data["contentLength"]) == ("CopyBlob", 0)
    assert data["url"] == "https://localdata.blob.core.windows.net/incoming/copy/a.csv"


def test_a_rename_in_full() -> None:
    event = written(blob_renamed(CONTAINER, "_tmp/a b.csv", "day=1/a b.csv", MODIFIED), Schema.EVENT_GRID)
    data: Any = event["data"]
    assert event["subject"] == "/blobServices/default/containers/incoming/blobs/day=1/a b.csv"
    assert event["eventType"] == "Microsoft.Storage.BlobRenamed"
    assert event["eventTime"] == "2017-06-26T18:41:00.9584100Z"
    assert data.keys() == {
        *("api", "clientRequestId", "requestId", "sourceUrl", "destinationUrl", "sequencer"),
        "storageDiagnostics",
    }
    assert data["api"] == "RenameFile"
    assert data["sourceUrl"] == "https://localdata.dfs.core.windows.net/incoming/_tmp/a%20b.csv"
    assert data["destinationUrl"] == "https://localdata.dfs.core.windows.net/incoming/day=1/a%20b.csv"


def test_each_rename_is_an_event_of_its_own() -> None:
    def identity(source: str = "a", destination: str = "b", at: int = MODIFIED) -> str:
        return blob_renamed(CONTAINER, source, destination, at).id

    assert identity() == identity()
    assert len({identity(), identity(source="c"), identity(destination="c"), identity(at=MODIFIED + 1)}) == 4


def test_the_same_content_is_the_same_event_and_another_is_not() -> None:
    def identity(path: str = "a", length: int = 1, modified: int = MODIFIED) -> tuple[str, object]:
        event = blob_created(CONTAINER, path, "PutBlob", length, modified)
        return event.id, event.data["eTag"]

    assert identity() == identity()
    assert identity(path="b")[0] != identity()[0]
    assert identity(length=2)[0] != identity()[0]
    assert identity(modified=MODIFIED + 100)[1] != identity()[1]


def test_sequencers_of_a_blob_sort_as_text() -> None:
    earlier, later = (
        str(blob_created(CONTAINER, "a", "PutBlob", 1, at).data["sequencer"])
        for at in (MODIFIED, MODIFIED + 1)
    )
    assert earlier < later


# --- when a file is complete --------------------------------------------------------------------------------


def version(number: int) -> Version:
    return Version(changed_ns=number, size=number, inode=1)


@pytest.mark.parametrize(
    ("looks", "begun", "complete"),
    [
        # (time, versions by path) of each scan; then the begun and the complete files, each as (time, path, version).
        ([(0, {"a": 1}), (1, {"a": 1}), (2, {"a": 1})], [(0, "a", 1)], [(1, "a", 1)]),
        ([(0, {"a": 1}), (0.9, {"a": 2}), (1.8, {"a": 2}), (2, {"a": 2})], [(0, "a", 1)], [(2, "a", 2)]),
        ([(0, {"a": 1}), (1, {"a": 1}), (2, {"a": 2}), (3, {"a": 2})], [(0, "a", 1), (2, "a", 2)],
         [(1, "a", 1), (3, "a", 2)]),
        ([(0, {"a": 1}), (1, {}), (2, {"a": 1}), (3, {"a": 1})], [(0, "a", 1), (2, "a", 1)], [(3, "a", 1)]),
        ([(0, {"a": 1}), (1, {"b": 1}), (2, {"b": 1})], [(0, "a", 1), (1, "b", 1)], [(2, "b", 1)]),
    ],
    ids=["rests", "grows", "overwritten", "gone and back", "renamed"],
)  # fmt: skip
def test_each_content_is_reported_once(
    looks: list[tuple[float, dict[str, int]]], begun: list[Any], complete: list[Any]
) -> None:
    memory = FolderMemory(unchanged_for=1.0)
    reported: tuple[list[Any], list[Any]] = ([], [])
    for now, files in looks:
        changes = memory.changes({path: version(number) for path, number in files.items()}, now)
        for so_far, fresh in zip(reported, (changes.begun, changes.complete), strict=True):
            so_far.extend((now, path, seen.size) for path, seen in fresh)
    assert reported == (begun, complete)


def moved(number: int) -> Version:
    """The content of ``version(1)``, whose name has changed since."""
    return Version(changed_ns=number, size=1, inode=1)


@pytest.mark.parametrize(
    ("looks", "complete", "renamed"),
    [
        ([(0, {"a": version(1)}), (1, {"a": version(1)}), (2, {"b": moved(2)}), (4, {"b": moved(2)})],
         [(1, "a")], [(2, "a", "b")]),
        ([(0, {"a": version(1)}), (0.5, {"b": moved(2)}), (4, {"b": moved(2)})],
         [(0.5, "a")], [(0.5, "a", "b")]),
        ([(0, {"x/a": version(1)}), (1, {"x/a": version(1)}), (2, {"y/a": version(1)}), (4, {"y/a": version(1)})],
         [(1, "x/a")], []),
        ([(0, {"a": version(1)}), (1, {"a": version(1)}), (2, {"b": version(2)}), (3, {"b": version(2)})],
         [(1, "a"), (3, "b")], []),
        ([(0, {"a": version(1)}), (1, {"a": version(1)}), (2, {"a": moved(2), "b": version(3)}),
          (3, {"b": version(3)})],
         [(1, "a"), (3, "b")], []),
    ],
    ids=["renamed", "renamed before it was complete", "its folder renamed", "another of this inode", "both names"],
)  # fmt: skip
def test_a_memory_that_knows_renames_tells_them_from_new_files(
    looks: list[tuple[float, dict[str, Version]]], complete: list[Any], renamed: list[Any]
) -> None:
    memory = FolderMemory(unchanged_for=1.0, knows_renames=True)
    reported: tuple[list[Any], list[Any]] = ([], [])
    for now, files in looks:
        changes = memory.changes(files, now)
        reported[0].extend((now, path) for path, _ in changes.complete)
        reported[1].extend((now, one.source, one.destination) for one in changes.renamed)
    assert reported == (complete, renamed)


def test_other_memories_take_a_renamed_file_for_a_new_one() -> None:
    memory = FolderMemory(unchanged_for=0.0)
    memory.changes({"a": version(1)}, 0.0)
    changes = memory.changes({"b": moved(2)}, 1.0)
    assert ([path for path, _ in changes.complete], changes.renamed) == (["b"], [])


def test_a_scan_finds_all_that_can_be_blobs(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    for name in ("a.csv", "deep/b.csv", "deep/er/c#é?%.csv", ".hidden", "deep/.part"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "broken").symlink_to(tmp_path / "nothing")
    with open(os.fsencode(tmp_path) + b"/\xff.csv", "w"):  # noqa: PTH123 - no text names it
        pass
    assert set(scan(tmp_path)) == {
        "a.csv",
        "deep/b.csv",
        "deep/er/c#é?%.csv",
        "link.csv",
        ".hidden",
        "deep/.part",
    }
    assert scan(tmp_path / "a.csv") == scan(tmp_path / "nothing") == {}


# --- the watch ----------------------------------------------------------------------------------------------


class Events(list[Event]):
    """The published events, from any thread."""

    def until(self, count: int) -> list[Event]:
        wait_for(f"event {count}", lambda: len(self) >= count)
        return list(self)

    def names(self) -> list[str]:
        return [event.subject.rpartition("/blobs/")[2] for event in self]


class Clock:
    """A clock that moves only when it is set. A watch reads it at the beginning of each scan."""

    def __init__(self) -> None:
        self.time = 0.0
        self.scans = 0

    def __call__(self) -> float:
        self.scans += 1
        return self.time

    def wait_for_a_scan(self) -> None:
        """Returns after a whole scan that began after the call."""
        before = self.scans
        wait_for("another scan", lambda: self.scans >= before + 2)


def drop(file: Path, text: str) -> None:
    """Atomic: a watch may scan at any moment, also between the creation of a file and its writing."""
    file.parent.mkdir(exist_ok=True)
    descriptor, outside = tempfile.mkstemp(
        dir=next(one for one in file.parents if one.name == "incoming").parent
    )
    with os.fdopen(descriptor, "w") as writer:
        writer.write(text)
    Path(outside).rename(file)


Watch = Callable[..., Events]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """Watches ``tmp_path/incoming`` until the test is over."""
    watching: list[ContainerWatch] = []

    def start(**options: Any) -> Events:
        events = Events()
        options = {"unchanged_for": 0.05, "interval": 0.01, **options}
        watching.append(ContainerWatch(tmp_path / "incoming", CONTAINER, events.append, **options).start())
        return events

    yield start
    for one in watching:
        one.stop()


def test_a_dropped_file_becomes_one_event(watch: Watch, tmp_path: Path) -> None:
    events = watch()
    before = datetime.now(UTC)
    drop(tmp_path / "incoming" / "day" / "a.csv", "1,2\n")
    [event] = events.until(1)
    assert event.subject.endswith("/containers/incoming/blobs/day/a.csv")
    assert (event.data["api"], event.data["contentLength"]) == ("PutBlob", 4)
    assert before - timedelta(seconds=1) < event.time <= datetime.now(UTC)


def test_a_file_that_is_still_written_to_waits(watch: Watch, tmp_path: Path) -> None:
    clock = Clock()
    events = watch(unchanged_for=1.0, clock=clock)
    with (tmp_path / "incoming" / "slow.csv").open("w") as file:
        for _ in range(6):
            file.write("x" * 100)
            file.flush()
            clock.wait_for_a_scan()
            clock.time += 0.75
            clock.wait_for_a_scan()
    assert events == []
    clock.time += 0.25
    [event] = events.until(1)
    assert event.data["contentLength"] == 600


def test_a_hidden_file_is_a_blob_as_any_other_and_another_one_after_its_rename(
    watch: Watch, tmp_path: Path
) -> None:
    events = watch()
    hidden = tmp_path / "incoming" / ".a.csv.part"
    drop(hidden, "done")
    events.until(1)
    hidden.rename(tmp_path / "incoming" / "a.csv")
    events.until(2)
    assert events.names() == [".a.csv.part", "a.csv"]
    assert {event.type for event in events} == {BLOB_CREATED}


def test_an_overwritten_file_has_another_etag(watch: Watch, tmp_path: Path) -> None:
    events = watch()
    file = tmp_path / "incoming" / "a.csv"
    drop(file, "same")
    events.until(1)
    drop(file, "same")
    first, second = events.until(2)
    assert first.data["url"] == second.data["url"]
    assert first.data["eTag"] != second.data["eTag"]
    assert first.id != second.id
    assert str(first.data["sequencer"]) < str(second.data["sequencer"])


def test_a_replacement_of_the_same_age_is_reported(watch: Watch, tmp_path: Path) -> None:
    events = watch()
    target, source = tmp_path / "incoming" / "a.csv", tmp_path / "source.csv"
    drop(target, "new!")
    events.until(1)
    source.write_text("old!")
    os.utime(source, ns=(target.stat().st_mtime_ns,) * 2)
    source.rename(target)
    first, second = events.until(2)
    assert first.data["eTag"] != second.data["eTag"]


def test_a_data_lake_upload_is_two_events(watch: Watch, tmp_path: Path) -> None:
    events = watch(hierarchical=True)
    drop(tmp_path / "incoming" / "a.csv", "1,2\n")
    created, flushed = events.until(2)
    assert (created.data["api"], created.data["contentLength"]) == ("CreateFile", 0)
    assert (flushed.data["api"], flushed.data["contentLength"]) == ("FlushWithClose", 4)
    assert created.id != flushed.id
    assert created.data["url"] == flushed.data["url"]


def test_a_file_that_a_data_lake_account_renames(watch: Watch, tmp_path: Path) -> None:
    events = watch(hierarchical=True)
    attempt = tmp_path / "incoming" / "_temporary" / "part-0.csv"
    drop(attempt, "1,2\n")
    events.until(2)
    attempt.rename(tmp_path / "incoming" / "part-0.csv")
    renamed = events.until(3)[2]
    drop(tmp_path / "incoming" / "last", "1")
    events.until(5)

    assert events.names() == ["_temporary/part-0.csv"] * 2 + ["part-0.csv"] + ["last"] * 2
    assert renamed.type == BLOB_RENAMED
    assert str(renamed.data["sourceUrl"]).endswith("/incoming/_temporary/part-0.csv")


def test_an_empty_file_of_a_data_lake_account_is_created_and_never_flushed(
    watch: Watch, tmp_path: Path
) -> None:
    events = watch(hierarchical=True)
    drop(tmp_path / "incoming" / "_SUCCESS", "")
    events.until(1)
    drop(tmp_path / "incoming" / "last", "1")
    events.until(3)
    assert [event.data["api"] for event in events] == ["CreateFile", "CreateFile", "FlushWithClose"]
    assert events.names() == ["_SUCCESS", "last", "last"]


def test_an_empty_file_is_an_event_of_length_0(watch: Watch, tmp_path: Path) -> None:
    events = watch()
    (tmp_path / "incoming" / "_SUCCESS").touch()
    assert events.until(1)[0].data["contentLength"] == 0


def test_files_from_before_the_start_are_reported_with_the_same_ids(watch: Watch, tmp_path: Path) -> None:
    events = watch()
    for number in range(3):
        drop(tmp_path / "incoming" / f"{number}.csv", "x")
    events.until(3)
    again = watch()
    again.until(3)
    assert {event.id for event in again} == {event.id for event in events}
    assert written(min(again, key=lambda one: one.id), Schema.EVENT_GRID) == written(
        min(events, key=lambda one: one.id), Schema.EVENT_GRID
    )


def test_files_from_before_the_start_can_be_ignored(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "old.csv").write_text("x")
    events = watch(report_existing=False)
    drop(tmp_path / "incoming" / "new.csv", "x")
    events.until(1)
    assert events.names() == ["new.csv"]


def test_thousands_of_files_are_each_reported_once(watch: Watch, tmp_path: Path) -> None:
    events = watch()

    def fill(folder: int) -> None:
        for number in range(1000):
            drop(tmp_path / "incoming" / f"part-{folder}" / f"{number}.csv", "1")

    threads = [threading.Thread(target=fill, args=(folder,)) for folder in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events.until(3000)
    drop(tmp_path / "incoming" / "last", "1")
    events.until(3001)
    assert len(set(events.names())) == len(events) == 3001


def test_a_folder_that_is_removed_and_made_again(watch: Watch, tmp_path: Path) -> None:
    events = watch()
    (tmp_path / "incoming").rmdir()
    (tmp_path / "incoming").mkdir()
    drop(tmp_path / "incoming" / "a.csv", "x")
    assert events.until(1)[0].subject.endswith("a.csv")
