"""Storage events in either schema: which of them report a finished upload, and of which blob."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from batch.grid_event import GridEvent
from batch.new_data.blob import BLOB_RENAMED, FINISHED_UPLOADS, Blob, UnknownCall, upload_of
from batch.new_data.ignored import IgnoreReason
from batch.new_data.rules import NewDataRule
from tests.batch.new_data.events import SCHEMAS, TOPIC, created, event, rule, upload

AT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def _found(received: GridEvent) -> Blob | None:
    return upload_of(received, TOPIC)


def _starts(received: GridEvent, under: NewDataRule) -> bool:
    found = _found(received)
    return found is not None and under.why_ignored(found) is None


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_upload_of_names_its_blob(schema: str) -> None:
    assert _found(event(schema)) == Blob("lake", "data", "in/a.csv", "0x1", AT)


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-01-31T12:00:00.1234567Z", AT),
        ("2026-01-31T12:00:00.123456Z", AT),
        ("2026-01-31T12:00:00Z", AT.replace(microsecond=0)),
        ("2026-01-31T12:00:00.1234567+00:00", AT),
    ],
)
def test_times_of_any_precision_are_read(schema: str, time: str, expected: datetime) -> None:
    found = _found(event(schema, eventTime=time))
    assert found is not None
    assert found.created_at == expected


@pytest.mark.parametrize("time", [..., None, ""])
def test_an_event_without_a_time_counts_as_of_now(time: object) -> None:
    before = datetime.now(UTC)
    found = _found(event(eventTime=time))
    assert found is not None
    assert before <= found.created_at <= datetime.now(UTC)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_time_without_a_zone_is_utc(schema: str) -> None:
    found = _found(event(schema, eventTime="2026-01-31T12:00:00"))
    assert found is not None
    assert found.created_at.tzinfo is not None
    assert found.created_at == AT.replace(microsecond=0)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_unknown_fields_are_ignored(schema: str) -> None:
    extra = {"traceparent": "00-1-2-01", "colour": {"deep": [1, {"er": None}]}}
    assert _found(event(schema, **extra, data=created(**extra, contentOffset=0))) == _found(event(schema))


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("api", ["PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"])
def test_a_call_that_brings_content_is_an_upload(schema: str, api: str) -> None:
    found = _found(event(schema, data=created(api=api)))
    assert found is not None
    assert not (found.is_empty or found.is_unfinished or found.is_created_only)


@pytest.mark.parametrize(
    "api", ["RenameFile", "putblob", "Hack", "", None, ..., 5, [], ["PutBlob"], {"PutBlob": 1}]
)
def test_a_call_that_nobody_knows_is_named(api: object) -> None:
    """Azure may have new ones. Who waits for a run finds this."""
    with pytest.raises(UnknownCall) as error:
        _found(event(data=created(api=api)))
    assert error.value.blob == "data/in/a.csv"
    assert error.value.api == (api if isinstance(api, str) else None)


def test_the_begin_of_an_upload_by_sftp_says_nothing() -> None:
    """Its end always comes."""
    assert _found(upload("in/a.csv", api="SftpCreate", contentLength=0)) is None


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_two_events_of_a_data_lake_upload(schema: str) -> None:
    """The Data Lake endpoint announces an upload when it begins and when it is closed."""
    url = "https://lake.dfs.core.windows.net/data/in/a.csv"
    begun = _found(upload("in/a.csv", schema, api="CreateFile", contentLength=0, contentOffset=0, url=url))
    closed = _found(upload("in/a.csv", schema, api="FlushWithClose", contentLength=9, url=url))
    assert begun and closed
    assert (begun.is_created_only, begun.is_empty) == (True, True)
    assert replace(closed, order="") == _found(event(schema))
    for start in ("file", "folder"):
        assert rule(start=start).why_ignored(begun) == IgnoreReason.CREATED_ONLY
        assert rule(start=start).why_ignored(closed) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            {"sequencer": "00000000000004420000000000028963"},
            {"sequencer": "00000000000004420000000000028964"},
        ),
        ({"sequencer": "89A4"}, {"sequencer": "89b0"}),
        (
            {"sequencer": "000000000000000000000000000089A4"},
            {"sequencer": "000000000000000000000000000089A4000000000018d6ea"},
        ),
        (
            {"sequencer": "000000000000000000000000000089A4000000000018d6ea"},
            {"sequencer": "000000000000000000000000000089A5"},
        ),
    ],
)
def test_the_events_of_a_blob_are_ordered_by_their_sequencers(
    first: dict[str, str], second: dict[str, str]
) -> None:
    earlier, later = (
        upload_of(event(eventTime=time, data=created(api="CreateFile", **given)), TOPIC)
        for time, given in (("2026-01-31T12:00:00Z", first), ("2026-01-30T12:00:00Z", second))
    )
    assert earlier and later and earlier.order < later.order


@pytest.mark.parametrize("sequencer", [..., None, "", 5, "not a number", "0" * 65])
def test_without_a_sequencer_the_time_orders_the_events(sequencer: object) -> None:
    earlier, later = (
        upload_of(event(eventTime=time, data=created(api="CreateFile", sequencer=sequencer)), TOPIC)
        for time in ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5Z")
    )
    assert earlier and later and earlier.order < later.order


@pytest.mark.parametrize("api", ["RenameFile", "SftpRename"])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_rename_is_a_finished_upload_under_its_new_name(schema: str, api: str) -> None:
    """As in the storage event schema: no eTag, no length; the subject names the destination."""
    data = {
        "api": api,
        "clientRequestId": "00000000-0000-0000-0000-00000000000c",
        "requestId": "00000000-0000-0000-0000-00000000000a",
        "destinationUrl": "https://lake.dfs.core.windows.net/data/in/a.csv",
        "sourceUrl": "https://lake.dfs.core.windows.net/data/in/_temporary/a.csv",
        "sequencer": "00000000000004420000000000028963",
    }
    found = _found(event(schema, eventType=BLOB_RENAMED, data=data))
    assert found == Blob("lake", "data", "in/a.csv", "event-1 00000000000004420000000000028963", AT)
    other = _found(event(schema, eventType=BLOB_RENAMED, id="event-2", data=data))
    assert other and other.version != found.version


def test_length_and_etag_say_nothing_of_a_rename() -> None:
    """It moves a file that is there."""
    data = created(api="RenameFile", contentLength=0, eTag="0x8DC2", sequencer=...)
    found = _found(event(eventType=BLOB_RENAMED, data=data))
    assert found and (found.version, found.is_empty) == ("event-1 ", False)


@pytest.mark.parametrize("api", ["PutBlob", "RenameDirectory", None])
def test_a_rename_by_another_call_is_not_known(api: object) -> None:
    with pytest.raises(UnknownCall):
        _found(event(eventType=BLOB_RENAMED, data=created(api=api)))


@pytest.mark.parametrize("start", ["file", "folder", "marker"])
def test_a_copy_that_has_begun_is_not_an_empty_file(start: str) -> None:
    begun = _found(
        upload("in/_SUCCESS" if start == "marker" else "in/a.csv", api="CopyBlob", contentLength=0)
    )
    assert begun and (begun.is_unfinished, begun.is_empty) == (True, False)
    assert rule(start=start).why_ignored(begun) is None


@pytest.mark.parametrize("start", ["file", "folder"])
def test_an_upload_by_sftp_counts_although_its_length_is_zero(start: str) -> None:
    assert _starts(upload("in/a.csv", api="SftpCommit", contentLength=0), rule(start=start))


@pytest.mark.parametrize("api", sorted(FINISHED_UPLOADS - {"SftpCommit", "CopyBlob"}))
@pytest.mark.parametrize("start", ["file", "folder"])
def test_an_empty_file_starts_nothing(api: str, start: str) -> None:
    assert not _starts(upload("in/a.csv", api=api, contentLength=0), rule(start=start))
    assert _starts(upload("in/a.csv", api=api, contentLength=1), rule(start=start))


@pytest.mark.parametrize("api", ["PutBlob", "PutBlockList", "CreateFile", "FlushWithClose", "SftpCommit"])
def test_an_empty_marker_file_starts_its_folder(api: str) -> None:
    assert _starts(upload("in/_SUCCESS", api=api, contentLength=0), rule(start="marker"))


def test_a_marker_file_with_content_starts_its_folder() -> None:
    assert _starts(upload("in/_SUCCESS", contentLength=1), rule(start="marker"))


@pytest.mark.parametrize("length", [0, 5, ...])
@pytest.mark.parametrize("name", ["in/", "in/2026/", "in//"])
def test_folder_markers_are_not_files(name: str, length: object) -> None:
    assert _found(upload(name, contentLength=length)) is None


@pytest.mark.parametrize(
    ("name", "folder", "file"),
    [
        ("a.csv", "", "a.csv"),
        ("in/a.csv", "in", "a.csv"),
        ("in/2026/01/a.csv", "in/2026/01", "a.csv"),
        ("blobs/containers/blobs/a", "blobs/containers/blobs", "a"),
        ("..a/b../...", "..a/b..", "..."),
        ("a#b?.csv", "", "a#b?.csv"),
        ("100%.csv", "", "100%.csv"),
        ("%2e%2e/a", "%2e%2e", "a"),
        ("a b/ü\u4e2d\U0001f600.csv", "a b", "ü\u4e2d\U0001f600.csv"),
        ("{run_id}/{file.__class__}", "{run_id}", "{file.__class__}"),
        ("user:S3cr3t@host/a", "user:S3cr3t@host", "a"),
        ("n" * 1_024, "", "n" * 1_024),
        ("\U0001f600" * 1_024, "", "\U0001f600" * 1_024),
    ],
)
def test_any_valid_blob_name_is_split_into_folder_and_file(name: str, folder: str, file: str) -> None:
    found = _found(upload(name))
    assert found is not None
    assert (found.name, found.folder, found.file) == (name, folder, file)
