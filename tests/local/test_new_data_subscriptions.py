"""The subscriptions of the local machine are those of the deployment."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.check.bicep import fields, literal
from infra.check.project import CONNECTIONS, Project
from local.event_grid import Container, Event, EventFilter, Schema, blob_created, blob_renamed
from local.new_data_subscriptions import MOST_MARKER_PLACES, MOST_UPLOAD_PLACES, new_data_filters

ROOT = Path(__file__).parents[2]
READINGS = Container("localdata", "readings")


def filters(*rules: dict[str, Any]) -> dict[str, EventFilter]:
    return new_data_filters({"NEW_DATA_RULES": json.dumps(rules)})


def takers(found: dict[str, EventFilter], event: Event) -> list[str]:
    return [name for name, one in found.items() if one.matches(event, Schema.EVENT_GRID)]


def created(name: str, api: Any = "PutBlob") -> Event:
    return blob_created(READINGS, name, api, 1, 1)


@pytest.mark.parametrize(
    ("name", "limit"), [("mostUploadPlaces", MOST_UPLOAD_PLACES), ("mostMarkerPlaces", MOST_MARKER_PLACES)]
)
def test_the_limits_are_those_of_the_template(name: str, limit: int) -> None:
    assert literal(Project(ROOT, {}).templates[CONNECTIONS].declarations[name].value) == limit


@pytest.mark.parametrize(
    ("module", "name"), [("newData", "new-data"), ("newDataMarkers", "new-data-markers")]
)
def test_event_types_and_filters_are_those_of_the_template(module: str, name: str) -> None:
    declared = Project(ROOT, {}).templates[CONNECTIONS].declarations[module]
    types, filtered = declared.at("params", "eventTypes"), declared.at("params", "filters")
    assert types is not None and filtered is not None
    entries = [fields(entry) for entry in filtered.named_children]
    found = filters({"container": "readings", "start": "marker"})[name]

    assert {literal(one) for one in types.named_children} == set(found.event_types)
    assert [(literal(one["operatorType"][1]), literal(one["key"][1])) for one in entries] == [
        (type(one).__name__, one.key) for one in found.advanced
    ]
    assert {literal(one) for one in entries[-1]["values"][1].named_children} == set(found.advanced[-1].values)


def test_finished_uploads_and_renames_below_the_prefixes_pass() -> None:
    found = filters({"container": "readings", "prefix": "hourly/", "start": "file"}, {"container": "sensors"})
    assert takers(found, created("hourly/a.csv")) == ["new-data"]
    assert takers(found, blob_renamed(READINGS, "_tmp/a.csv", "hourly/a.csv", 1)) == ["new-data"]
    assert takers(found, created("daily/a.csv")) == []
    assert takers(found, created("hourly/a.csv", "CreateFile")) == []


def test_a_created_file_passes_only_with_the_name_of_a_marker() -> None:
    found = filters(
        {"container": "readings", "prefix": "a/", "start": "marker"},
        {"container": "readings", "prefix": "b/", "start": "marker", "marker": "done"},
        {"container": "readings", "prefix": "c/"},
    )
    assert takers(found, created("a/_SUCCESS", "CreateFile")) == ["new-data-markers"]
    assert takers(found, created("b/done", "CreateFile")) == ["new-data-markers"]
    assert takers(found, created("a/_SUCCESS", "FlushWithClose")) == ["new-data"]
    assert takers(found, created("a/part.csv", "CreateFile")) == []
    assert takers(found, created("c/_SUCCESS", "CreateFile")) == []


@pytest.mark.parametrize("start", ["folder", "marker"])
@pytest.mark.parametrize("prefixes", [12, 13, 18, 19])
def test_any_number_of_prefixes_fits(start: str, prefixes: int) -> None:
    rules = [{"container": "readings", "prefix": f"{number}/", "start": start} for number in range(prefixes)]
    found = filters(*rules, rules[0])
    assert takers(found, created(f"{prefixes - 1}/_SUCCESS")) == ["new-data"]
    assert takers(found, created("elsewhere/a.csv")) == (
        ["new-data"] if prefixes > MOST_UPLOAD_PLACES else []
    )
    other = blob_created(Container("localdata", "other"), "0/_SUCCESS", "PutBlob", 1, 1)
    assert takers(found, other) == []


def test_any_number_of_containers_fits() -> None:
    found = filters(*({"container": f"container-{number}"} for number in range(19)))
    assert takers(found, created("a.csv")) == ["new-data"]


def test_a_long_prefix_is_cut_to_what_a_filter_value_holds() -> None:
    found = filters({"container": "readings", "prefix": f"{'é' * 600}/"})
    assert takers(found, created(f"{'é' * 600}/a.csv")) == ["new-data"]


def test_a_file_with_another_suffix_comes_to_the_app_which_tells_why_it_starts_nothing() -> None:
    plain = new_data_filters({"NEW_DATA_CONTAINER": "readings", "NEW_DATA_SUFFIX": ".csv"})
    for found in (plain, filters({"container": "readings", "suffix": ".csv"})):
        assert takers(found, created("a.csv")) == takers(found, created("a.txt")) == ["new-data"]


def test_rules_that_start_runs_by_the_clock_need_no_subscription() -> None:
    assert filters({"start": "schedule"}) == {}
    assert new_data_filters({}) == {}
