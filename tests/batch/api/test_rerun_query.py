"""Which runs a call runs again: the list's filters over runs that ended and did not complete."""

import pytest

from batch.api.continuation import encode_continuation
from batch.api.openapi import document
from batch.api.rerun_query import MAX_RERUNS, RerunQuery
from batch.api.run_query import RunQuery
from batch.errors import ErrorCode, InvalidRequest
from batch.run.phases import PHASES
from ledger.run_row import place_of
from tests.batch.builders import ENDPOINT_URI, START, settings

FILTERS = {
    "started_from": "2026-01-31T12:00:00Z",
    "started_to": "2026-02-01T12:00:00Z",
    "prefix": "a",
    "endpoint": ENDPOINT_URI,
    "source": "incoming/",
    "continuation": encode_continuation(place_of("r-1", START)),
    "tag": "team:fraud",
}


def wrong(params: dict[str, str], body: bytes = b"") -> set[str]:
    with pytest.raises(InvalidRequest) as raised:
        RerunQuery.parse(params, body)
    return {error.field for error in raised.value.errors}


def test_without_parameters_it_is_what_failed_or_timed_out() -> None:
    query = RerunQuery.parse({"code": "key"}, b" \n")
    assert query == RerunQuery(RunQuery(phases=frozenset({"Failed", "TimedOut"})))
    assert (query.dry_run, query.error, query.top) == (False, "", MAX_RERUNS)


def test_the_filters_are_those_of_the_list() -> None:
    asked = {**FILTERS, "phase": "Canceled,Terminated"}
    query = RerunQuery.parse({**asked, "error": "internal", "dry_run": "TRUE", "top": "7"}, b"")
    assert query == RerunQuery(RunQuery.parse(asked), ErrorCode.INTERNAL, dry_run=True, top=7)


@pytest.mark.parametrize("phase", sorted(set(PHASES) - {"Failed", "TimedOut", "Canceled", "Terminated"}))
def test_what_completed_or_goes_on_is_never_selected(phase: str) -> None:
    assert wrong({"phase": f"Failed,{phase}"}) == {"phase"}


@pytest.mark.parametrize(
    ("params", "fields"),
    [
        ({"error": "nonsense"}, {"error"}),
        ({"dry_run": "yes"}, {"dry_run"}),
        ({"dry_run": ""}, {"dry_run"}),
        ({"top": "0"}, {"top"}),
        ({"top": str(MAX_RERUNS + 1)}, {"top"}),
        ({"dryrun": "true", "prefix": "/", "top": "x"}, {"dryrun", "prefix", "top"}),
    ],
)
def test_every_wrong_parameter_is_named(params: dict[str, str], fields: set[str]) -> None:
    assert wrong(params) == fields


def test_filters_in_a_body_are_refused_as_they_would_select_all_runs() -> None:
    assert wrong({}, b'{"prefix": "a"}') == {"body"}


def test_it_takes_each_documented_parameter() -> None:
    operation = document(settings(), "/api")["paths"]["/batch-runs/rerun"]["post"]
    given = {**FILTERS, "phase": "Failed", "error": "internal", "dry_run": "false", "top": "1"}
    assert {parameter["name"] for parameter in operation["parameters"]} == set(given)
    RerunQuery.parse(given, b"")
