from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.api.continuation import Continuation
from batch.api.run_query import DEFAULT_TOP, RunQuery
from batch.errors import InvalidRequest
from batch.run.believed_status import believed_status
from batch.run.phases import ENDED_RUNTIME_STATUSES, PHASES, UNFINISHED_RUNTIME_STATUSES, Phase
from tests.batch.builders import START, after

NOON = "2026-01-31T12:00:00Z"


def test_without_parameters_all_runs_are_listed_page_by_page() -> None:
    query = RunQuery.parse({})
    assert query == RunQuery()
    assert query.top == DEFAULT_TOP
    assert query.runtime_statuses == ()
    assert query.selects({"phase": "Running", "started_at": NOON})


def test_all_parameters_are_read() -> None:
    place = Continuation("dG9rZW4= ", "nightly-3")
    query = RunQuery.parse(
        {
            "phase": "Running, Queued,,",
            "started_from": NOON,
            "started_to": "2026-01-31T13:00:00+01:00",
            "prefix": "nightly-",
            "top": "200",
            "continuation": place.encode(),
            "code": "a-function-key",
            "clientId": "default",
        }
    )
    assert query == RunQuery(frozenset({"Running", "Queued"}), START, START, "nightly-", 200, place)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"phase": "running"}, {"phase"}),
        ({"phase": "Running,Done"}, {"phase"}),
        ({"started_from": "yesterday"}, {"started_from"}),
        ({"started_from": ""}, {"started_from"}),
        ({"started_to": "2026-02-30"}, {"started_to"}),
        ({"top": "0"}, {"top"}),
        ({"top": "201"}, {"top"}),
        ({"top": "-1"}, {"top"}),
        ({"top": "1.5"}, {"top"}),
        ({"top": ""}, {"top"}),
        ({"top": "²"}, {"top"}),
        ({"top": "\u0663"}, {"top"}),
        ({"top": "9" * 5_000}, {"top"}),
        ({"status": "Running"}, {"status"}),
        ({"client_id": "default"}, {"client_id"}),
        ({"continuation": ""}, {"continuation"}),
        ({"continuation": "dG9rZW4="}, {"continuation"}),
        (
            {"phase": "x", "started_from": "x", "started_to": "x", "top": "x", "x": "x"},
            {"phase", "started_from", "started_to", "top", "x"},
        ),
    ],
    ids=lambda value: str(sorted(value))[:40],
)
def test_every_wrong_parameter_is_named(params: dict[str, str], named: set[str]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        RunQuery.parse(params)
    assert {error.field for error in refusal.value.errors} == named


@given(
    st.dictionaries(
        st.sampled_from(["phase", "started_from", "started_to", "prefix", "top", "continuation"])
        | st.text(max_size=4),
        st.text(max_size=12),
    )
)
def test_any_parameters_are_a_query_or_are_refused(params: dict[str, str]) -> None:
    try:
        query = RunQuery.parse(params)
    except InvalidRequest as error:
        assert error.errors
    else:
        assert query.phases <= set(PHASES)
        assert 1 <= query.top <= 200


@pytest.mark.parametrize(
    ("query", "phase", "started", "selected"),
    [
        (RunQuery(), "Pending", "", True),
        (RunQuery(frozenset({"Running"})), "Running", "", True),
        (RunQuery(frozenset({"Running"})), "Queued", "", False),
        (RunQuery(started_from=START), "Running", NOON, True),
        (RunQuery(started_from=after(0.001)), "Running", NOON, False),
        (RunQuery(started_to=START), "Running", NOON, True),
        (RunQuery(started_to=after(-0.001)), "Running", NOON, False),
        (RunQuery(started_from=START, started_to=START), "Running", "2026-01-31T12:00:00.000Z", True),
        (RunQuery(started_from=START), "Pending", "", False),
        (RunQuery(started_to=START), "Pending", "", False),
    ],
)
def test_which_runs_are_listed(query: RunQuery, phase: str, started: str, selected: bool) -> None:
    assert query.selects({"phase": phase, "started_at": started}) is selected


UNFINISHED = ["Pending", "Running", "ContinuedAsNew", "Suspended"]
OUTCOMES = ["Completed", "Failed", "Canceled", "TimedOut"]
REPORTED_PHASES = [None, *(phase.value for phase in Phase)]
REACHABLE = [
    # The runtime reports an end a moment after the run does. For that moment the filter may hide the run.
    *product(UNFINISHED, [phase for phase in REPORTED_PHASES if phase not in OUTCOMES]),
    *product(["Completed", "Terminated", "Canceled", "Failed"], REPORTED_PHASES),
]
OUTPUTS = [None, {"outcome": "Completed"}, "Orchestrator function 'batch_run' failed: Late. [timed_out]"]


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(("runtime_status", "phase"), REACHABLE)
def test_the_runtimes_filter_never_hides_a_run_that_the_phase_selects(
    runtime_status: str, phase: str | None, output: object
) -> None:
    reported = {"phase": phase, "error": {"code": "timed_out", "message": "Late."}} if phase else None
    shown = believed_status(runtime_status, reported, output).phase
    assert shown in PHASES
    for others in ([], ["Completed"], ["Running", "Failed"]):
        assert runtime_status in RunQuery(frozenset({shown, *others})).runtime_statuses


def test_each_phase_has_runtime_statuses_of_its_own() -> None:
    """No phase uses those of another: a run in a phase that has ended is not searched for among unfinished runs."""
    for name, facts in PHASES.items():
        asked = set(RunQuery(frozenset({name})).runtime_statuses)
        assert asked == set(facts.runtime_statuses)
        assert asked <= set(ENDED_RUNTIME_STATUSES if facts.ended else UNFINISHED_RUNTIME_STATUSES)
