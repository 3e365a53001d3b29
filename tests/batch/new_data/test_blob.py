"""Storage events in either schema: which of them report a finished upload, and of which blob."""

from datetime import UTC, datetime

import pytest

from batch.grid_event import GridEvent
from batch.new_data.blob import FINISHED_UPLOADS, Blob, finished_upload
from batch.new_data.rules import NewDataRule
from tests.batch.new_data.events import SCHEMAS, TOPIC, created, event, rule, upload

AT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def _found(received: GridEvent) -> Blob | None:
    return finished_upload(received, TOPIC)


def _starts(received: GridEvent, under: NewDataRule) -> bool:
    found = _found(received)
    return found is not None and under.matches(found)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_finished_upload_names_its_blob(schema: str) -> None:
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
@pytest.mark.parametrize(
    ("api", "is_finished"),
    [
        ("PutBlob", True),
        ("PutBlockList", True),
        ("CopyBlob", True),
        ("FlushWithClose", True),
        ("SftpCommit", True),
        ("CreateFile", False),
        ("Flush", False),
        ("AppendFile", False),
        ("SftpCreate", False),
        ("RenameFile", False),
        ("putblob", False),
        ("", False),
        (None, False),
        (..., False),
        (5, False),
    ],
)
def test_which_calls_finish_an_upload(schema: str, api: object, is_finished: bool) -> None:
    assert (_found(event(schema, data=created(api=api))) is not None) is is_finished


@pytest.mark.parametrize("api", [[], ["PutBlob"], {}, {"PutBlob": 1}])
def test_an_api_that_is_not_text_is_not_an_upload(api: object) -> None:
    assert _found(event(data=created(api=api))) is None


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_two_events_of_a_data_lake_upload_are_one_finished_upload(schema: str) -> None:
    """The Data Lake endpoint announces an upload when it begins and when it is closed."""
    url = "https://lake.dfs.core.windows.net/data/in/a.csv"
    begun = upload("in/a.csv", schema, api="CreateFile", contentLength=0, contentOffset=0, url=url)
    closed = upload("in/a.csv", schema, api="FlushWithClose", contentLength=9, contentOffset=0, url=url)
    assert [_found(each) is not None for each in (begun, closed)] == [False, True]
    assert _found(closed) == _found(event(schema))


@pytest.mark.parametrize("start", ["file", "folder"])
def test_an_upload_by_sftp_counts_although_its_length_is_zero(start: str) -> None:
    assert _starts(upload("in/a.csv", api="SftpCommit", contentLength=0), rule(start=start))
    assert not _starts(upload("in/a.csv", api="SftpCreate", contentLength=0), rule(start=start))


@pytest.mark.parametrize("api", sorted(FINISHED_UPLOADS - {"SftpCommit"}))
@pytest.mark.parametrize("start", ["file", "folder"])
def test_an_empty_file_starts_nothing(api: str, start: str) -> None:
    assert not _starts(upload("in/a.csv", api=api, contentLength=0), rule(start=start))
    assert _starts(upload("in/a.csv", api=api, contentLength=1), rule(start=start))


@pytest.mark.parametrize("api", ["PutBlob", "FlushWithClose"])
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
