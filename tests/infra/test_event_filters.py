"""The event subscriptions take what the rules need, within the limits of Event Grid, for any rules file."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from batch.grid_event import GridEvent
from batch.new_data.blob import UnknownCall, upload_of
from batch.new_data.settings import NewData
from batch.settings import Settings
from infra.check.evaluation.deployment import Resource
from local.event_grid.event import Event, Schema
from local.event_grid.subscription import EventFilter, StringBeginsWith, StringEndsWith, StringIn
from tests.infra.deployed import MINIMAL, NEW_DATA, account_id, up

Rule = Mapping[str, Any]
ACCOUNT = account_id("lake")
ENVIRONMENT = {**MINIMAL, **NEW_DATA}
_OPERATORS = {"StringIn": StringIn, "StringBeginsWith": StringBeginsWith, "StringEndsWith": StringEndsWith}
_CALLS = {
    "Microsoft.Storage.BlobCreated": (
        *("PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"),
        *("CreateFile", "SftpCreate", "PutPage"),
    ),
    "Microsoft.Storage.BlobRenamed": ("RenameFile", "SftpRename"),
    "Microsoft.Storage.BlobDeleted": ("DeleteBlob",),
}
_FILE = {"container": "incoming", "start": "file", "prefix": "daily/", "suffix": ".csv"}
_FOLDER = {"container": "incoming"}
_MARKER = {"container": "finished", "start": "marker"}
_NIGHTLY = {
    "start": "schedule",
    "name": "nightly",
    "cron": "0 2 * * *",
    "input_uri": "azureml://datastores/d/paths/p/",
}
_LONG = "a/" * 400
RULES: dict[str, list[Rule]] = {
    "one file rule": [_FILE],
    "one folder rule": [_FOLDER],
    "one marker rule": [_MARKER],
    "a marker of its own name": [{**_MARKER, "marker": "finished.txt", "prefix": "run/"}],
    "all kinds": [_FILE, _FOLDER, _MARKER, _NIGHTLY],
    "the same rule twice": [_FILE, {**_FILE, "suffix": ".json"}],
    "18 prefixes": [{**_FILE, "prefix": f"in-{number}/"} for number in range(18)],
    "19 prefixes": [{**_FILE, "prefix": f"in-{number}/"} for number in range(19)],
    "19 containers": [{**_FILE, "container": f"in-{number}"} for number in range(19)],
    "13 prefixes of markers": [{**_MARKER, "prefix": f"in-{number}/"} for number in range(13)],
    "13 containers of markers": [{**_MARKER, "container": f"in-{number}"} for number in range(13)],
    "12 names of markers": [{**_MARKER, "marker": f"_DONE-{number}"} for number in range(12)],
    "12 places and names of markers": [
        {**_MARKER, "prefix": f"in-{number}/", "marker": f"_DONE-{number}"} for number in range(12)
    ],
    "a long prefix": [{**_FILE, "prefix": _LONG}, {**_MARKER, "prefix": f"{_LONG}x"}],
    "long prefixes that differ at their ends": [{**_FILE, "prefix": f"{_LONG}{n}/"} for n in range(19)],
}


def _filter(subscription: Resource) -> EventFilter:
    """As Event Grid applies it. Raises ValueError for more values, or longer ones, than it takes."""
    found = subscription.at("properties", "filter")
    advanced = [
        _OPERATORS[one["operatorType"]](one["key"], one["values"]) for one in found["advancedFilters"]
    ]
    return EventFilter(found["includedEventTypes"], advanced=advanced)


def _filters(rules: list[Rule]) -> dict[str, EventFilter]:
    deployed = up(ENVIRONMENT, rules=json.dumps(rules))
    return {name: _filter(one) for name, one in deployed.subscriptions.items() if name != "job-events"}


def _event(kind: str, call: str, container: str, name: str) -> Event:
    subject = f"/blobServices/default/containers/{container}/blobs/{name}"
    return Event(ACCOUNT, subject, kind, {"api": call, "contentLength": 1})


def _events(container: str, name: str) -> list[Event]:
    return [_event(kind, call, container, name) for kind, calls in _CALLS.items() for call in calls]


def _is_taken(filters: dict[str, EventFilter], event: Event) -> bool:
    return any(one.matches(event, Schema.EVENT_GRID) for one in filters.values())


def _app_takes(new_data: NewData, event: Event) -> bool:
    found = GridEvent(event.id, event.type, event.topic, event.subject, event.time, event.data)
    try:
        blob = upload_of(found, ACCOUNT)
    except UnknownCall:
        return False
    return blob is not None and any(rule.why_ignored(blob) is None for rule in new_data.rules)


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_each_event_that_a_rule_needs_is_taken(rules: list[Rule]) -> None:
    deployed = up(ENVIRONMENT, rules=json.dumps(rules))
    settings = deployed.settings
    new_data = NewData.from_environment(settings, Settings.from_environment(settings))
    filters = _filters(rules)
    blobs = [
        (rule.container, f"{rule.prefix}{folder}{name}")
        for rule in new_data.rules
        for folder in ("", "more/")
        for name in ("file.csv", rule.marker)
    ]
    wanted = [event for blob in blobs for event in _events(*blob) if _app_takes(new_data, event)]
    assert wanted
    assert [event for event in wanted if not _is_taken(filters, event)] == []


def test_markers_that_are_only_created_are_taken_and_other_files_are_not() -> None:
    filters = _filters([_MARKER])
    created = "Microsoft.Storage.BlobCreated"
    assert _is_taken(filters, _event(created, "CreateFile", "finished", "day/_SUCCESS"))
    assert not _is_taken(filters, _event(created, "CreateFile", "finished", "day/part.csv"))
    assert _is_taken(filters, _event(created, "FlushWithClose", "finished", "day/part.csv"))


@pytest.mark.parametrize("name", ["one file rule", "18 prefixes", "19 prefixes", "a long prefix"])
def test_other_containers_raise_nothing(name: str) -> None:
    filters = _filters(RULES[name])
    assert not any(_is_taken(filters, event) for event in _events("another", "daily/file.csv"))


@pytest.mark.parametrize(("count", "narrow"), [(18, True), (19, False)])
def test_many_prefixes_become_their_containers(count: int, narrow: bool) -> None:
    filters = _filters([{**_FILE, "prefix": f"in-{number}/"} for number in range(count)])
    other = _event("Microsoft.Storage.BlobCreated", "PutBlob", "incoming", "elsewhere/file.csv")
    assert _is_taken(filters, other) is not narrow


def test_many_containers_become_the_account() -> None:
    filters = _filters(RULES["19 containers"])
    assert _is_taken(filters, _event("Microsoft.Storage.BlobCreated", "PutBlob", "another", "file.csv"))


def test_calls_that_finish_no_upload_raise_nothing() -> None:
    filters = _filters(RULES["all kinds"])
    created = "Microsoft.Storage.BlobCreated"
    for call in ("CreateFile", "SftpCreate", "PutPage"):
        assert not _is_taken(filters, _event(created, call, "incoming", "daily/file.csv"))
    assert not _is_taken(
        filters, _event("Microsoft.Storage.BlobDeleted", "DeleteBlob", "incoming", "daily/file.csv")
    )


@pytest.mark.parametrize(
    ("rules", "names"),
    [
        ([], {"new-data", "job-events"}),
        ([_FILE], {"new-data", "job-events"}),
        ([_MARKER], {"new-data", "new-data-markers", "job-events"}),
        ([_NIGHTLY], {"job-events"}),
        ([_NIGHTLY, _FOLDER], {"new-data", "job-events"}),
    ],
    ids=["plain settings", "file", "marker", "the clock", "the clock and a folder"],
)
def test_only_what_rules_need_is_subscribed_to(rules: list[Rule], names: set[str]) -> None:
    assert up(ENVIRONMENT, rules=json.dumps(rules)).subscriptions.keys() == names


@pytest.mark.parametrize("start", ["file", "folder", "marker"])
def test_the_plain_settings_are_a_rule(start: str) -> None:
    plain = {**ENVIRONMENT, "NEW_DATA_PREFIX": "in/", "NEW_DATA_START": start, "NEW_DATA_MARKER": "_DONE"}
    filters = {name: _filter(one) for name, one in up(plain).subscriptions.items() if name != "job-events"}
    created = "Microsoft.Storage.BlobCreated"
    assert _is_taken(filters, _event(created, "PutBlob", "incoming", "in/file.csv"))
    assert not _is_taken(filters, _event(created, "PutBlob", "incoming", "out/file.csv"))
    assert _is_taken(filters, _event(created, "CreateFile", "incoming", "in/day/_DONE")) is (
        start == "marker"
    )


def test_job_events_take_all_jobs_of_the_workspace() -> None:
    (subscription,) = [one for name, one in up(MINIMAL).subscriptions.items() if name == "job-events"]
    assert _filter(subscription).advanced == []
