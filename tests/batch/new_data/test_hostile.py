"""Malformed, foreign and hostile storage events: nothing starts, and nothing but Malformed is raised."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.grid_event import GridEvent
from batch.new_data.blob import (
    BLOB_CREATED,
    BLOB_RENAMED,
    FINISHED_UPLOADS,
    RENAMES,
    Blob,
    Malformed,
    UnknownCall,
    upload_of,
)
from tests.batch.builders import WORKSPACE_ID
from tests.batch.new_data.events import CLOUD_EVENTS, SCHEMAS, TOPIC, created, event, subject, upload

AT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def _found(received: GridEvent) -> Blob | None:
    return upload_of(received, TOPIC)


@pytest.mark.parametrize(
    "name",
    [
        *["..", "../a", "in/../a", "in/..", "in/../", "./a", "in/./a", "."],
        *["/a", "//a", "in//a", "/", "//"],
        *["in\\..\\a", "a\\b", "a\x00b", "a\nb", "a\rb", "\x1b[2J", "a\x7f", "a\tb", "a\ud800b"],
        *["n" * 1_025, "\U0001f600" * 1_025, "a/" * 512 + "a"],
    ],
)
def test_names_that_no_real_blob_has_are_malformed(name: str) -> None:
    with pytest.raises(Malformed) as error:
        _found(upload(name))
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    "of",
    [
        *[..., None, "", "in/a.csv", {"a": 1}, ["/blobServices/default/containers/data/blobs/a"], 5],
        *["/blobServices/default/containers/data", "/blobServices/default/containers/data/blobs/"],
        *["/blobServices/default/containers//blobs/a", "/blobServices/other/containers/data/blobs/a"],
        "/blobservices/default/containers/data/blobs/a",
        "x/blobServices/default/containers/data/blobs/a",
        "https://lake.blob.core.windows.net/data/in/a.csv",
    ],
)
def test_a_subject_that_names_no_blob_is_malformed(of: object) -> None:
    with pytest.raises(Malformed):
        _found(event(subject=of))


@pytest.mark.parametrize(
    "url",
    [
        *[..., None, 5, [], "", "http://evil.example/a"],
        "https://user:S3cr3t@evil.example/data/a.csv",
        "https://lake.blob.core.windows.net/data/../other/a.csv?sig=S3cr3t",
        "x" * 100_000,
    ],
)
def test_the_url_is_never_used(url: object) -> None:
    assert _found(event(data=created(url=url))) == _found(event())


@pytest.mark.parametrize("length", ["0", "5", 0.0, 5.5, True, False, [], {}, [0]])
def test_a_length_of_another_type_is_malformed(length: object) -> None:
    with pytest.raises(Malformed, match="contentLength"):
        _found(event(data=created(contentLength=length)))


@pytest.mark.parametrize("length", [..., None, 1, 2**63, 10**30])
def test_an_absent_length_is_not_zero(length: object) -> None:
    assert _found(event(data=created(contentLength=length))) is not None


@pytest.mark.parametrize("tag", [5, ["0x1"], {"a": 1}, True, 1.5, "x" * 1_025])
def test_an_etag_of_another_type_is_malformed(tag: object) -> None:
    with pytest.raises(Malformed, match="eTag"):
        _found(event(data=created(eTag=tag)))


@pytest.mark.parametrize("tag", [..., None, ""])
def test_without_an_etag_the_event_id_identifies_the_content(tag: object) -> None:
    found = _found(event(id="event-7", data=created(eTag=tag)))
    assert found is not None
    assert found.version == "event-7"


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("time", ["yesterday", "01/31/2026 12:00:00Z", "1769860800", 1_769_860_800, ["x"]])
def test_a_time_that_cannot_be_read_is_malformed(schema: str, time: object) -> None:
    with pytest.raises(Malformed, match="its time is not in ISO 8601"):
        _found(event(schema, eventTime=time))


@pytest.mark.parametrize("of", [{"topic": WORKSPACE_ID}, {"eventType": "x"}, {"subject": subject("in/")}])
def test_the_time_of_an_event_that_reports_no_upload_does_not_matter(of: dict[str, Any]) -> None:
    assert _found(event(**of, eventTime="yesterday")) is None


@pytest.mark.parametrize("event_id", [..., None, ""])
def test_an_upload_without_etag_and_event_id_is_malformed(event_id: object) -> None:
    with pytest.raises(Malformed):
        _found(event(id=event_id, data=created(eTag=...)))


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("data", [..., None, [], [created()], "text", 5, True, {}])
def test_data_that_is_not_an_object_names_no_call(schema: str, data: object) -> None:
    with pytest.raises(UnknownCall):
        _found(event(schema, data=data))


@pytest.mark.parametrize("name", ["in/a\ufffdb.csv", "\ufffd/a.csv", "in/\ufffd\ufffd"])
@pytest.mark.parametrize("kind", [BLOB_CREATED, BLOB_RENAMED])
def test_a_name_that_was_damaged_on_the_way_is_malformed(name: str, kind: str) -> None:
    """The blob of that name does not exist."""
    data = created() if kind == BLOB_CREATED else {"api": "RenameFile"}
    with pytest.raises(Malformed, match=r"emoji, was replaced by U\+FFFD .* Give the blob a name without"):
        _found(event(eventType=kind, subject=subject(name), data=data))


@pytest.mark.parametrize("event_id", [..., None, ""])
def test_a_rename_without_event_id_is_malformed(event_id: object) -> None:
    """The eTag of an event says nothing of a rename."""
    with pytest.raises(Malformed, match="event id"):
        _found(event(eventType=BLOB_RENAMED, id=event_id, data=created(api="RenameFile")))


@pytest.mark.parametrize(
    "of", [{"id": "x" * 1_025}, {"data": {"api": "RenameFile", "sequencer": "0" * 1_025}}]
)
def test_a_rename_with_an_endless_identity_is_malformed(of: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="too long"):
        _found(event(eventType=BLOB_RENAMED, **{"data": {"api": "RenameFile"}, **of}))


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize(
    "other",
    [
        *[..., None, "", 5, [], "Microsoft.Storage.BlobDeleted", "Microsoft.Storage.DirectoryRenamed"],
        *[
            "microsoft.storage.blobcreated",
            "Microsoft.Storage.BlobCreated ",
            "Microsoft.Storage.BlobCreatedX",
        ],
        "Microsoft.MachineLearningServices.RunCompleted",
    ],
)
def test_events_of_other_types_are_ignored(schema: str, other: object) -> None:
    assert _found(event(schema, eventType=other, subject="nonsense", data={"api": "PutBlob"})) is None


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize(
    ("source", "ours"),
    [
        (TOPIC, True),
        (TOPIC.lower(), True),
        (TOPIC.upper(), True),
        (TOPIC + "/", True),
        (TOPIC + "2", False),
        (TOPIC[:-1], False),
        (TOPIC.replace("/rg/", "/other/"), False),
        (TOPIC + "/blobServices/default", False),
        ("https://evil.example" + TOPIC, False),
        (" " + TOPIC, False),
        (WORKSPACE_ID, False),
        ("", False),
        (..., False),
        (None, False),
        ([TOPIC], False),
        ({"topic": TOPIC}, False),
        (5, False),
    ],
)
def test_only_events_of_the_configured_account_count(schema: str, source: object, ours: bool) -> None:
    assert (_found(event(schema, topic=source)) is not None) is ours
    if not ours:
        assert _found(event(schema, topic=source, subject="nonsense")) is None


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("source", ["", "/", ..., None, TOPIC])
def test_without_a_configured_account_no_event_counts(schema: str, source: object) -> None:
    """An app without rules has no topic, nor has one whose runs only the clock starts."""
    assert upload_of(event(schema, topic=source), "") is None


def test_the_configured_topic_may_be_written_in_any_case() -> None:
    found = upload_of(event(), TOPIC.upper() + "/")
    assert found is not None
    assert found.account == "LAKE"


_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_hostile_subjects = st.builds(subject, st.text(min_size=1, max_size=60), st.text(max_size=10)) | _values
_hostile_data = _values | st.builds(
    created,
    api=st.sampled_from([*sorted(FINISHED_UPLOADS | RENAMES), "CreateFile"])
    | st.none()
    | st.text(max_size=5),
    contentLength=_values,
    eTag=_values,
    url=_values,
    sequencer=_values,
)


def test_values_of_any_depth_are_no_call_and_no_sequencer() -> None:
    """To make text of them can fail where to read them could not."""
    deep: object = "x"
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(UnknownCall):
        upload_of(replace(event(), data={"api": deep}), TOPIC)
    renamed = {"api": "RenameFile", "sequencer": deep}
    found = upload_of(replace(event(eventType=BLOB_RENAMED), data=renamed), TOPIC)
    assert found and found.version == "event-1 "


@given(
    st.sampled_from(SCHEMAS),
    st.sampled_from([BLOB_CREATED, BLOB_RENAMED]),
    _hostile_subjects,
    _hostile_data,
    _values,
)
def test_any_event_is_an_upload_or_ignored_or_malformed(
    schema: str, kind: str, of: object, data: object, event_id: object
) -> None:
    try:
        found = _found(event(schema, eventType=kind, subject=of, data=data, id=event_id))
    except (Malformed, UnknownCall):
        return
    if found is not None:
        assert of == subject(found.name, found.container)
        assert (found.account, found.created_at) == ("lake", AT)


_names = st.lists(st.text("ab.\\ \x00\n#?%ü", min_size=0, max_size=4), min_size=1, max_size=4).map("/".join)


@given(_names.filter(bool), st.integers(1, 9))
def test_a_name_is_taken_unchanged_or_refused(name: str, length: int) -> None:
    """The same rule, written in a second way: part by part."""
    folder, _, file = name.rpartition("/")
    valid = all(part.strip(".") or len(part) > 2 for part in name.split("/"))
    valid = valid and not set(name) & set("\\\x00\n")
    try:
        found = _found(upload(name, CLOUD_EVENTS, contentLength=length))
    except Malformed:
        assert not valid
        return
    if file:
        assert valid
        assert found is not None
        assert (found.name, found.folder, found.file) == (name, folder, file)
    else:
        assert found is None
