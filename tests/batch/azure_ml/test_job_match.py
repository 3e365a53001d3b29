"""Whether a job is the one that a run submitted."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.azure_ml.endpoint import ATTEMPT_TAG, RUN_ID_TAG
from batch.azure_ml.job import JobResource
from batch.azure_ml.job_match import Match, matches
from batch.run.request import Binding, RunRequest
from tests.batch.azure_ml.jobs import arm_job, job
from tests.batch.builders import INPUT_URI, WORKSPACE_ID, body, parse, request

OUTPUT = "azureml://datastores/lake/paths/out/r-1.csv"
SECOND = "azureml://datastores/lake/paths/b/r-1"
ELSEWHERE = "azureml://datastores/lake/paths/elsewhere"
LONG = f"azureml:/{WORKSPACE_ID}/datastores/lake/paths"
LAKE = "https://lake.blob.core.windows.net/data"
ABFSS = "abfss://data@lake.dfs.core.windows.net"
WASBS = "wasbs://data@lake.blob.core.windows.net"


def _asked(inputs: list[str], outputs: list[str]) -> RunRequest:
    return request(
        inputs={f"i{n}": Binding(type="UriFolder", uri=uri) for n, uri in enumerate(inputs)},
        outputs={f"o{n}": Binding(type="UriFile", uri=uri) for n, uri in enumerate(outputs)},
    )


NO_OUTPUT = _asked([INPUT_URI], [])
LITERAL = request(outputs={}, inputs={"mode": Binding(type="Literal", value=1)})
TWO = _asked([INPUT_URI], [OUTPUT, SECOND])
SHARED = _asked([INPUT_URI], [ELSEWHERE])
ASSET = f"{WORKSPACE_ID}/data/heart/versions/1"
ASSET_AS_SHOWN = "azureml://locations/westeurope/workspaces/ws/data/heart/versions/1"
OF_ASSET = _asked([ASSET], [ELSEWHERE])
IN_SHORT = parse(body(run_id="r-1"))[1]
"""A request that names no output."""
OF_APP = IN_SHORT.output_uris()["output_data"]
ONE_SHARED = _asked([INPUT_URI], [OUTPUT, ELSEWHERE])


def _job(
    outputs: list[str] | None = None, inputs: list[str] | None = None, **properties: object
) -> JobResource:
    """A job of the endpoint with these URIs; None where the answer shows none."""
    shown = {
        "outputData": {
            f"o{n}": {"uri": uri, "jobOutputType": "UriFile"} for n, uri in enumerate(outputs or [])
        },
        "inputData": {f"i{n}": {"uri": uri, "mode": "ReadOnlyMount"} for n, uri in enumerate(inputs or [])},
    }
    return job(**shown, **properties)


def _tagged(run_id: object, outputs: list[str] | None = None, **tags: object) -> JobResource:
    return _job(outputs, tags={RUN_ID_TAG: run_id, **tags})


FROM_ARM = JobResource.parse(arm_job())


@pytest.mark.parametrize(
    ("found", "asked", "expected"),
    [
        # The tag decides where the service kept it.
        (_tagged("r-1"), request(), Match.OURS),
        (_tagged("r-1"), NO_OUTPUT, Match.OURS),
        (_tagged("r-1", [ELSEWHERE]), request(), Match.OURS),
        (_tagged("r-2"), request(), Match.OTHER),
        (_tagged("r-2", [OUTPUT]), request(), Match.OTHER),
        (_tagged(None), request(), Match.OTHER),
        # Another app on the same workspace may have a run of the same id.
        (_tagged("r-1", **{ATTEMPT_TAG: "m"}), request(), Match.OURS),
        (_tagged("r-1", [OUTPUT], **{ATTEMPT_TAG: "other"}), request(), Match.OTHER),
        (_tagged("r-2", **{ATTEMPT_TAG: "m"}), request(), Match.OTHER),
        # Without a tag an output that names the run decides, in any spelling of its datastore.
        (_job([OUTPUT], [INPUT_URI]), request(), Match.OURS),
        (_job([OUTPUT]), request(), Match.OURS),
        (_job([f"{LONG}/out/r-1.csv"], [f"{LONG}/in"]), request(), Match.OURS),
        (_job([f"{LONG}/out/r-1.csv".removeprefix("azureml:/")]), request(), Match.OURS),
        (_job([OUTPUT + "/"]), request(), Match.OURS),
        (_job([OUTPUT.replace("lake", "sea")]), request(), Match.OTHER),
        (_job([OUTPUT.replace("r-1", "r-2")]), request(), Match.OTHER),
        (_job([OUTPUT.replace("r-1", "R-1")]), request(), Match.OTHER),
        (_job([OUTPUT.replace("r-1", "r-2")], [INPUT_URI]), request(), Match.OTHER),
        (_job([OUTPUT, ELSEWHERE]), request(), Match.OTHER),
        # No other run writes to that output, whatever inputs the service reports.
        (_job([OUTPUT], ["azureml:another:1"]), request(), Match.OURS),
        (_job([OUTPUT], [ELSEWHERE]), request(), Match.OURS),
        # Several outputs: all of them.
        (_job([SECOND, OUTPUT]), TWO, Match.OURS),
        (_job([OUTPUT]), TWO, Match.OTHER),
        # An output that does not name the run identifies its job only together with the same inputs.
        (_job([ELSEWHERE], [INPUT_URI]), SHARED, Match.OURS),
        (_job([ELSEWHERE]), SHARED, Match.UNCLEAR),
        (_job([ELSEWHERE], ["azureml:in:1"]), SHARED, Match.UNCLEAR),
        (_job([ELSEWHERE], [f"{LAKE}/in/"]), SHARED, Match.UNCLEAR),
        (_job([ELSEWHERE], [SECOND]), SHARED, Match.OTHER),
        # An asset is the same however its id is spelled.
        (_job([ELSEWHERE], [ASSET]), OF_ASSET, Match.OURS),
        (_job([ELSEWHERE], [ASSET_AS_SHOWN]), OF_ASSET, Match.OURS),
        (_job([ELSEWHERE], [ASSET_AS_SHOWN + "0"]), OF_ASSET, Match.UNCLEAR),
        # The app gives each run of the short form an output that names it.
        (_job([OF_APP]), IN_SHORT, Match.OURS),
        (_job([OF_APP.replace("r-1", "r-2")]), IN_SHORT, Match.OTHER),
        (_job(None, [INPUT_URI]), IN_SHORT, Match.OTHER),
        (_job([OUTPUT, ELSEWHERE]), ONE_SHARED, Match.UNCLEAR),
        (_job([OUTPUT, ELSEWHERE], [INPUT_URI]), ONE_SHARED, Match.OURS),
        # ARM shows neither inputs nor outputs: its answer decides nothing.
        (FROM_ARM, request(), Match.UNCLEAR),
        (FROM_ARM, NO_OUTPUT, Match.UNCLEAR),
        # The endpoint shows the outputs that a job was given: one without is not of a run that has one.
        (_job(None, [INPUT_URI]), request(), Match.OTHER),
        (_job(None, ["azureml:another:1"]), request(), Match.OTHER),
        (_job(None, [ELSEWHERE]), request(), Match.OTHER),
        (job(inputData={"mode": {"value": "1"}}), _asked([], [OUTPUT]), Match.OTHER),
        # But an answer without any data, or with an output in another form, says nothing.
        (_job(), request(), Match.UNCLEAR),
        (job(inputData={"i": {"uri": INPUT_URI}}, outputData={"o": {"path": "x"}}), request(), Match.UNCLEAR),
        # Without outputs only different inputs decide.
        (_job(None, [INPUT_URI]), NO_OUTPUT, Match.UNCLEAR),
        (_job(None, [f"{LONG}/in/"]), NO_OUTPUT, Match.UNCLEAR),
        (_job([OUTPUT], [INPUT_URI]), NO_OUTPUT, Match.UNCLEAR),
        (_job(None, ["azureml:another:1"]), NO_OUTPUT, Match.UNCLEAR),
        (_job(None, [ELSEWHERE]), NO_OUTPUT, Match.OTHER),
        (_job([OUTPUT], [ELSEWHERE]), NO_OUTPUT, Match.OTHER),
        # A run without data cannot be identified by data.
        (_job(None, [INPUT_URI]), LITERAL, Match.UNCLEAR),
        (job(inputData={"mode": {"jobInputType": "Literal", "value": "1"}}), LITERAL, Match.UNCLEAR),
    ],
)
def test_whether_a_job_is_the_one_this_run_submitted(
    found: JobResource, asked: RunRequest, expected: Match
) -> None:
    assert matches(found, "r-1", "m", asked) is expected


@pytest.mark.parametrize(
    ("wanted", "reported", "expected"),
    [
        # Of one kind: the same, however encoded, or provably different.
        (["azureml://datastores/lake/paths/a%20b"], [f"{LONG}/a b/"], Match.OURS),
        (["azureml://datastores/lake/paths/ü"], [f"{LONG}/%C3%BC"], Match.OURS),
        ([f"{LAKE}/a%20b/"], [f"{LAKE}/a b"], Match.OURS),
        ([f"{LAKE}/a"], [f"{LAKE}/b"], Match.OTHER),
        ([f"{LAKE}/a"], [f"{LAKE}/A"], Match.OTHER),
        ([f"{ABFSS}/a"], [f"{ABFSS}/a/"], Match.OURS),
        ([f"{ABFSS}/a"], [f"{ABFSS}/b"], Match.OTHER),
        ([f"{WASBS}/a"], [f"{WASBS}/b"], Match.OTHER),
        ([f"{LAKE}/a", f"{LAKE}/b"], [f"{LAKE}/b", f"{LAKE}/a"], Match.OURS),
        ([f"{LAKE}/a", f"{LAKE}/b"], [f"{LAKE}/a"], Match.OTHER),
        (["azureml:data:1"], ["azureml:data:1"], Match.OURS),
        # Of different kinds, or of a kind that has several names for the same data.
        ([f"{LAKE}/a"], [f"{LONG}/a"], Match.UNCLEAR),
        ([f"{LONG}/a"], [f"{LAKE}/a"], Match.UNCLEAR),
        ([f"{ABFSS}/a"], [f"{LONG}/a"], Match.UNCLEAR),
        (["azureml:data@latest"], ["azureml:data:1"], Match.UNCLEAR),
        (["azureml:data:1"], [f"{LONG}/a"], Match.UNCLEAR),
        (["azureml:data:1"], [f"{LAKE}/a"], Match.UNCLEAR),
        (["azureml:data:1"], [f"azureml:{WORKSPACE_ID}/data/data/versions/1"], Match.UNCLEAR),
        ([f"{LONG}/a"], [f"{LONG}/b", f"{LAKE}/a"], Match.UNCLEAR),
        ([f"{LONG}/a", "azureml:data:1"], [f"{LONG}/b"], Match.UNCLEAR),
    ],
)
def test_data_is_provably_different_only_if_all_of_it_is_of_one_kind(
    wanted: list[str], reported: list[str], expected: Match
) -> None:
    assert matches(_job([ELSEWHERE], reported), "r-1", "m", _asked(wanted, [ELSEWHERE])) is expected
    assert matches(_job(reported, [INPUT_URI]), "r-1", "m", _asked([INPUT_URI], wanted)) is expected


_names = st.text(st.sampled_from("abü&/"), min_size=1, max_size=6).map(lambda name: f"x{name}x")
_places = st.sampled_from(["azureml://datastores/lake/paths/", f"{LONG}/", f"{LAKE}/", f"{ABFSS}/"])
_uris = st.lists(st.builds(str.__add__, _places, _names), min_size=1, max_size=3)


@given(_uris, _uris, st.booleans())
def test_a_job_that_reports_the_data_of_the_request_is_never_taken_for_another(
    inputs: list[str], outputs: list[str], encoded: bool
) -> None:
    def reported(uris: list[str]) -> list[str]:
        return [quote(uri, safe=":/@") + "/" if encoded else uri for uri in uris]

    asked = _asked(inputs, outputs)
    assert matches(_job(reported(outputs), reported(inputs)), "r-1", "m", asked) is Match.OURS
    assert matches(_job(reported(outputs)), "r-1", "m", asked) is Match.UNCLEAR
    assert matches(_job(), "r-1", "m", asked) is Match.UNCLEAR
    without_output = _asked(inputs, [])
    assert matches(_job(None, reported(inputs)), "r-1", "m", without_output) is Match.UNCLEAR


def test_a_submission_without_a_marker_is_of_a_version_that_tagged_jobs_with_the_run_id_alone() -> None:
    assert matches(_tagged("r-1"), "r-1", None, request()) is Match.OURS
    assert matches(_tagged("r-2"), "r-1", None, request()) is Match.OTHER
