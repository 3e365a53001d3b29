"""Which events of the workspace make the app check a job."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.addresses import WorkspaceId
from batch.azure_ml.job_events import JOB_EVENTS, moved_job
from batch.grid_event import GridEvent
from tests.batch.builders import START, WORKSPACE_ID
from tests.batch.new_data.events import TOPIC
from triggers.grid_event import grid_event

WORKSPACE = WorkspaceId.parse(WORKSPACE_ID)
CHANGED = "Microsoft.MachineLearningServices.RunStatusChanged"
COMPLETED = "Microsoft.MachineLearningServices.RunCompleted"


def _event(kind: str = CHANGED, source: str = WORKSPACE_ID, **data: Any) -> GridEvent:
    """A data field given as ``...`` is left out."""
    given = {
        "experimentId": "00000000-0000-0000-0000-00000000000e",
        "experimentName": "scores",
        "runId": "batchjob-1",
        "runType": "azureml.PipelineRun",
        "runTags": {},
        "runProperties": {"azureml.runsource": "azureml.PipelineRun"},
        "runStatus": "Completed",
        **data,
    }
    given = {name: value for name, value in given.items() if value is not ...}
    subject = "experiments/00000000-0000-0000-0000-00000000000e/runs/batchjob-1"
    return GridEvent("event-1", kind, source, subject, START, given)


@pytest.mark.parametrize("schema", ["Event Grid", "CloudEvents"])
@pytest.mark.parametrize("kind", sorted(JOB_EVENTS))
def test_an_event_names_its_job_in_either_schema(schema: str, kind: str) -> None:
    data = {"runId": "batchjob-1", "runType": "azureml.PipelineRun", "runProperties": None, "new": [1]}
    if kind == CHANGED:
        data["runStatus"] = "Running"
    common = {"id": "e", "subject": "experiments/e/runs/batchjob-1", "data": data}
    time = "2026-01-31T12:00:00.9584103Z"
    payload: dict[str, Any]
    if schema == "Event Grid":
        payload = {**common, "topic": WORKSPACE_ID, "eventType": kind, "eventTime": time, "dataVersion": ""}
    else:
        payload = {**common, "source": WORKSPACE_ID, "type": kind, "time": time, "specversion": "1.0"}
    assert moved_job(grid_event(json.dumps(payload)), WORKSPACE) == "batchjob-1"


@pytest.mark.parametrize(
    ("kind", "moved"),
    [
        (CHANGED, True),
        (COMPLETED, True),
        ("Microsoft.MachineLearningServices.ModelRegistered", False),
        ("Microsoft.MachineLearningServices.ModelDeployed", False),
        ("Microsoft.Storage.BlobCreated", False),
        (CHANGED.lower(), False),
        (CHANGED + " ", False),
        ("", False),
    ],
)
def test_which_types_of_events_name_a_job(kind: str, moved: bool) -> None:
    assert (moved_job(_event(kind), WORKSPACE) is not None) is moved


@pytest.mark.parametrize(
    ("run_type", "moved"),
    [
        ("azureml.PipelineRun", True),
        ("azureml.pipelinerun", True),
        (None, True),
        (..., True),
        ("", True),
        ("batch", True),
        ([], True),
        (5, True),
        ("azureml.StepRun", False),
        ("azureml.steprun", False),
        ("azureml.scriptrun", False),
        ("azureml.PipelineRunX", False),
        ("azureml.", False),
    ],
)
def test_child_runs_are_not_looked_up(run_type: object, moved: bool) -> None:
    """A run of a kind that is not Azure ML's may be a job: a look-up costs little, a missed event costs a wait."""
    assert (moved_job(_event(runType=run_type), WORKSPACE) is not None) is moved


@pytest.mark.parametrize(
    "status", ["NotStarted", "Running", "Finalizing", "failed", "Dreaming", None, ..., 5, []]
)
def test_the_status_in_the_event_does_not_matter(status: object) -> None:
    assert moved_job(_event(runStatus=status), WORKSPACE) == "batchjob-1"


@pytest.mark.parametrize(
    ("source", "moved"),
    [
        (WORKSPACE_ID, True),
        (WORKSPACE_ID.lower(), True),
        (WORKSPACE_ID.upper() + "/", True),
        (WORKSPACE_ID + "2", False),
        (WORKSPACE_ID + "/jobs/batchjob-1", False),
        (WORKSPACE_ID[:-1], False),
        (TOPIC, False),
        ("", False),
    ],
)
def test_only_events_of_the_workspace_in_the_settings_count(source: str, moved: bool) -> None:
    assert (moved_job(_event(source=source), WORKSPACE) is not None) is moved


@pytest.mark.parametrize("source", [WORKSPACE_ID, WORKSPACE_ID + "2", ""])
def test_without_a_workspace_in_the_settings_events_of_any_workspace_count(source: str) -> None:
    assert moved_job(_event(source=source), None) == "batchjob-1"


@pytest.mark.parametrize("name", ["batchjob-1", "a", "A.b_c-d", "0" * 255])
def test_a_valid_job_name_is_taken(name: str) -> None:
    assert moved_job(_event(runId=name), WORKSPACE) == name


@pytest.mark.parametrize(
    "name",
    [
        *[..., None, 5, True, [], {}, ["batchjob-1"], ""],
        *["../x", "a/b", "a\\b", "a b", "a\n", "a%2f", "ü", "@job_owner@a", ".a", "-a", "a" * 256, "a\ud800"],
    ],
)
def test_a_value_that_cannot_be_a_job_name_is_ignored(name: object) -> None:
    assert moved_job(_event(runId=name), WORKSPACE) is None


_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@given(st.sampled_from(sorted(JOB_EVENTS)), _values, _values, _values)
def test_any_event_gives_its_own_job_name_or_none(
    kind: str, run_id: object, run_type: object, status: object
) -> None:
    name = moved_job(_event(kind, runId=run_id, runType=run_type, runStatus=status), WORKSPACE)
    assert name is None or name == run_id
