"""Parameters reach the templates as azd passes them on: with defaults for empty variables, and with types."""

from pathlib import Path

import pytest

from infra.check.evaluation.parameters import connection_parameters, inputs, main_parameters
from infra.check.evaluation.values import EvaluationError
from infra.check.project import MAIN, PARAMETERS, Project

ROOT = Path(__file__).parents[3]
NEEDED = {
    "AZURE_ENV_NAME": "dev",
    "AZURE_LOCATION": "westeurope",
    "AZURE_ML_WORKSPACE_ID": "/subscriptions/s/resourceGroups/g/providers/p/workspaces/w",
    "BATCH_ENDPOINT_URI": "https://e.westeurope.inference.ml.azure.com/jobs",
}


@pytest.fixture
def project() -> Project:
    return Project(ROOT, {})


def test_unset_variables_give_the_defaults_of_the_template(project: Project) -> None:
    found = main_parameters(project, NEEDED)
    assert found["environmentName"] == "dev"
    assert (found["jobEvents"], found["privateNetworking"]) == (True, False)
    assert (found["runRetentionDays"], found["newDataStart"]) == (30, "folder")
    assert "alertEmail" not in found


def test_empty_variables_are_as_unset_ones(project: Project) -> None:
    empty = {"JOB_EVENTS": "", "RUN_RETENTION_DAYS": "", "NEW_DATA_MARKER": "", "ALERT_EMAIL": ""}
    assert main_parameters(project, {**NEEDED, **empty}) == main_parameters(project, NEEDED)


@pytest.mark.parametrize(
    ("text", "wanted"), [("false", False), ("FALSE", False), ("0", False), ("true", True), ("T", True)]
)
def test_a_boolean_is_one_of_the_texts_of_azd(project: Project, text: str, wanted: bool) -> None:
    assert main_parameters(project, {**NEEDED, "JOB_EVENTS": text})["jobEvents"] is wanted


def test_what_azd_cannot_convert_is_not_passed_on(project: Project) -> None:
    found = main_parameters(project, {**NEEDED, "PRIVATE_NETWORKING": "yes", "RUN_RETENTION_DAYS": "ten"})
    assert not {"privateNetworking", "runRetentionDays"} & found.keys()


def test_a_number_becomes_one(project: Project) -> None:
    assert main_parameters(project, {**NEEDED, "RUN_RETENTION_DAYS": "7"})["runRetentionDays"] == 7


def test_an_empty_text_replaces_a_default_that_is_not_empty(tmp_path: Path) -> None:
    """So each variable of the parameter file repeats such a default."""
    for path, text in (
        (MAIN, "param marker string = '_SUCCESS'\nparam email string = ''\n"),
        (PARAMETERS, '{"parameters": {"marker": {"value": "${MARKER}"}, "email": {"value": "${EMAIL}"}}}'),
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    assert main_parameters(Project(tmp_path, {}), {}) == {"marker": ""}


@pytest.mark.parametrize("name", NEEDED)
def test_azd_asks_for_what_has_no_default(project: Project, name: str) -> None:
    with pytest.raises(EvaluationError, match=f"azd asks for parameter .*{name}") as raised:
        main_parameters(project, {**NEEDED, name: ""})
    assert raised.value.place.file == PARAMETERS


def test_inputs_are_the_variables_of_the_parameter_file(project: Project) -> None:
    found = inputs(project)
    assert found.keys() >= {*NEEDED, "NEW_DATA_CONTAINER"}
    lines = project.read(PARAMETERS).splitlines()
    assert all("${" + name in lines[number - 1] for name, number in found.items())


def test_outputs_are_the_parameters_of_the_connections(project: Project) -> None:
    outputs = dict.fromkeys(project.templates[MAIN].outputs, "of an output")
    outputs["CONNECT_DATA_TOPIC_ID"] = "the topic"
    found = connection_parameters(project, outputs, {"WORKSPACE_ROLE": "Custom"})
    assert (found["dataTopicId"], found["workspaceRole"]) == ("the topic", "Custom")
    assert (found["functionAppName"], found["resourceGroupName"]) == ("of an output", "of an output")
    assert connection_parameters(project, outputs, {})["workspaceRole"] == "DataScientist"
