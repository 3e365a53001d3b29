import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.api.continuation import encode_continuation
from batch.api.run_query import DEFAULT_TOP, EARLIEST, LATEST, RunQuery
from batch.errors import InvalidRequest
from batch.run.phases import PHASES
from tests.batch.builders import ENDPOINT_URI, START

NOON = "2026-01-31T12:00:00Z"
PLACE = "098230139200000 nightly-3"


def test_without_parameters_all_runs_are_listed_page_by_page() -> None:
    query = RunQuery.parse({})
    assert query == RunQuery()
    assert query.top == DEFAULT_TOP
    assert (query.phases, query.started_from, query.started_to) == (frozenset(), None, None)
    assert (query.prefix, query.endpoint, query.source, query.place) == ("", "", "", "")


def test_all_parameters_are_read() -> None:
    query = RunQuery.parse(
        {
            "phase": "Running, Queued,,",
            "started_from": NOON,
            "started_to": "2026-01-31T13:00:00+01:00",
            "prefix": "nightly-",
            "endpoint": ENDPOINT_URI,
            "source": "incoming/ä b/2026/",
            "tag": "team:fraud: cards",
            "top": "200",
            "continuation": encode_continuation(PLACE),
            "code": "a-function-key",
            "clientId": "default",
        }
    )
    assert query == RunQuery(
        phases=frozenset({"Running", "Queued"}),
        started_from=START,
        started_to=START,
        prefix="nightly-",
        endpoint=ENDPOINT_URI,
        source="incoming/ä b/2026/",
        tag=("team", "fraud: cards"),
        top=200,
        place=PLACE,
    )


@pytest.mark.parametrize(
    ("params", "named"),
    [
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
        ({"continuation": PLACE}, {"continuation"}),
        ({"prefix": "nightly 3"}, {"prefix"}),
        ({"prefix": "nächtlich"}, {"prefix"}),
        ({"prefix": "nightly\n"}, {"prefix"}),
        ({"prefix": "n" * 101}, {"prefix"}),
        ({"endpoint": "scores"}, {"endpoint"}),
        ({"endpoint": "http://scores.westeurope.inference.ml.azure.com/jobs"}, {"endpoint"}),
        ({"source": "incoming/\n"}, {"source"}),
        ({"source": "incoming/\x00"}, {"source"}),
        ({"source": "incoming/\x9f"}, {"source"}),
        ({"source": "i" * 1_101}, {"source"}),
        *(
            ({"tag": wrong}, {"tag"})
            for wrong in ("team", "team:", ":fraud", "a b:c", "team:a\nb", "team:" + "x" * 101, ":")
        ),
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
        st.sampled_from(
            ["phase", "started_from", "started_to", "prefix", "endpoint", "source", "top", "continuation"]
        )
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


@pytest.mark.parametrize("name", ["phase", "prefix", "endpoint", "source", "tag"])
def test_an_empty_filter_selects_nothing_away(name: str) -> None:
    assert RunQuery.parse({name: ""}) == RunQuery()


@pytest.mark.parametrize("spelled", ["running,QUEUED", "Running, queued", "rUNNING,Queued,running"])
def test_phases_have_capital_letters_or_not(spelled: str) -> None:
    assert RunQuery.parse({"phase": spelled}).phases == {"Running", "Queued"}


@pytest.mark.parametrize(
    "spelled",
    [
        ENDPOINT_URI.replace("https://scores", "HTTPS://Scores"),
        ENDPOINT_URI + "/",
        ENDPOINT_URI.removesuffix("/jobs"),
        ENDPOINT_URI.removesuffix("jobs"),
    ],
)
def test_an_endpoint_is_written_as_runs_keep_it(spelled: str) -> None:
    assert RunQuery.parse({"endpoint": spelled}).endpoint == ENDPOINT_URI


def test_a_time_far_away_has_a_place_in_the_list() -> None:
    query = RunQuery.parse({"started_from": "0001-01-01T00:00:00Z", "started_to": "9999-12-31T23:59:59Z"})
    assert (query.started_from, query.started_to) == (EARLIEST, LATEST)
