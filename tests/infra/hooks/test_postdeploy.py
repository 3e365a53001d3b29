"""The hook that connects the deployed app runs with a stub of the Azure CLI."""

import subprocess
from typing import Any

import pytest

from infra.hooks import postdeploy
from infra.hooks.connections import DATA_SCIENTIST
from tests.infra.hooks.stub_azure import Azure

WORKSPACE = "/subscriptions/0000/resourceGroups/ml/providers/x/workspaces/my-workspace"
TOPICS = "/subscriptions/0000/resourceGroups/rg-demo/providers/Microsoft.EventGrid/systemTopics"
ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": "0000",
    "AZURE_LOCATION": "westeurope",
    "AZURE_RESOURCE_GROUP": "rg-demo",
    "AZURE_FUNCTION_APP_NAME": "func-demo",
    "CONNECT_WORKSPACE_ID": WORKSPACE,
    "CONNECT_DEAD_LETTER_STORAGE_NAME": "stdemo",
    "CONNECT_PRINCIPAL_ID": "1111",
    "CONNECT_DATA_TOPIC_ID": f"{TOPICS}/data",
    "CONNECT_NEW_DATA_CONTAINER": "incoming",
    "CONNECT_NEW_DATA_PREFIX": "",
    "CONNECT_NEW_DATA_START": "folder",
    "CONNECT_NEW_DATA_MARKER": "_SUCCESS",
    "CONNECT_WORKSPACE_TOPIC_ID": f"{TOPICS}/jobs",
    "CONNECT_NOTIFICATION_TOPIC_ID": "/subscriptions/0000/topics/runs",
    "API_URL": "https://func-demo/api/batch-runs",
    "MONITOR_URL": "https://func-demo/api/monitor",
    "GET_KEY_COMMAND": "az functionapp keys list --name func-demo",
}


def run(azure: Azure, **changed: str) -> subprocess.CompletedProcess[str]:
    return azure.run("postdeploy", {**ENVIRONMENT, **changed})


def assignment(scope: str, principal: str = "1111", role: str = DATA_SCIENTIST) -> dict[str, Any]:
    definition = f"/subscriptions/0000/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return {"properties": {"scope": scope, "principalId": principal, "roleDefinitionId": definition}}


def given_role(azure: Azure) -> str:
    return str(azure.parameter_file["parameters"]["workspaceRole"]["value"])


def test_waits_for_the_functions_and_applies_the_template(azure: Azure) -> None:
    result = run(azure)

    assert result.returncode == 0, result.stdout + result.stderr
    account, new_data, job_events, roles, deployment, topics = azure.calls
    assert account == "account show --subscription 0000"
    assert "--function-name new_data" in new_data
    assert "--function-name job_events" in job_events
    assert roles.startswith(f"rest --method get --url {WORKSPACE}/providers/Microsoft.Authorization/")
    assert deployment.startswith(
        "deployment sub create --subscription 0000 --location westeurope --name connections-func-demo"
        " --template-file infra/connections.bicep --parameters @"
    )
    assert topics.startswith("eventgrid system-topic list --resource-group rg-demo --subscription 0000")
    assert result.stdout.splitlines()[-3:] == [
        "Start runs:  POST https://func-demo/api/batch-runs",
        "Watch them:  https://func-demo/api/monitor",
        "The key:     az functionapp keys list --name func-demo",
    ]


def test_passes_the_outputs_as_parameters(azure: Azure) -> None:
    run(azure, CONNECT_NEW_DATA_PREFIX="a & b/%DATE%")
    assert azure.parameter_file["parameters"] == {
        "resourceGroupName": {"value": "rg-demo"},
        "functionAppName": {"value": "func-demo"},
        "workspaceId": {"value": WORKSPACE},
        "principalId": {"value": "1111"},
        "deadLetterStorageName": {"value": "stdemo"},
        "dataTopicId": {"value": f"{TOPICS}/data"},
        "newDataContainer": {"value": "incoming"},
        "newDataPrefix": {"value": "a & b/%DATE%"},
        "newDataStart": {"value": "folder"},
        "newDataMarker": {"value": "_SUCCESS"},
        "workspaceTopicId": {"value": f"{TOPICS}/jobs"},
        "notificationTopicId": {"value": "/subscriptions/0000/topics/runs"},
        "workspaceRole": {"value": "DataScientist"},
    }


def test_can_be_repeated(azure: Azure) -> None:
    run(azure)
    first = [call.partition(" @")[0] for call in azure.calls]
    run(azure)
    assert [call.partition(" @")[0] for call in azure.calls] == first + first


def test_waits_for_no_function_that_gets_no_events(azure: Azure) -> None:
    run(azure, CONNECT_DATA_TOPIC_ID="", CONNECT_WORKSPACE_TOPIC_ID="")
    assert not any("functionapp" in call for call in azure.calls)
    assert any(call.startswith("deployment") for call in azure.calls)


def test_takes_the_chosen_role(azure: Azure) -> None:
    azure.answers = {"roleAssignments": {"value": [assignment(WORKSPACE)]}}
    run(azure, WORKSPACE_ROLE="Custom")
    assert given_role(azure) == "Custom"


@pytest.mark.parametrize(
    ("assignments", "role"),
    [
        ([assignment(WORKSPACE)], "None"),
        ([assignment(WORKSPACE.upper())], "None"),
        ([assignment("/subscriptions/0000/resourceGroups/ml")], "DataScientist"),
        ([assignment(WORKSPACE, principal="2222")], "DataScientist"),
        ([assignment(WORKSPACE, role="acdd72a7-3385-48ef-bd42-f606fba81ae7")], "DataScientist"),
        ([], "DataScientist"),
    ],
    ids=["same", "letter case", "group", "another principal", "another role", "none"],
)
def test_keeps_a_role_that_somebody_assigned(
    azure: Azure, assignments: list[dict[str, Any]], role: str
) -> None:
    azure.answers = {"roleAssignments": {"value": assignments}}
    result = run(azure)
    assert given_role(azure) == role
    assert ("already" in result.stdout) == (role == "None")


def test_assigns_the_role_if_it_may_not_read_assignments(azure: Azure) -> None:
    azure.failures = {"roleAssignments": "(AuthorizationFailed) may not read"}
    assert run(azure).returncode == 0
    assert given_role(azure) == "DataScientist"


class Clock:
    """Time passes by pauses only, or by ``cost`` seconds each time it is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cost: float = 0) -> None:
        self.now = 0.0
        self.cost = cost
        monkeypatch.setattr(postdeploy, "sleep", self.pass_by)
        monkeypatch.setattr(postdeploy, "monotonic", lambda: self.pass_by(self.cost))

    def pass_by(self, seconds: float) -> float:
        self.now += seconds
        return self.now


@pytest.fixture
def without_job_events(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRONMENT, "PATH": str(azure.path)}.items():
        monkeypatch.setenv(name, value)
    azure.failures = {"--function-name job_events": "ERROR: (NotFound) no such function\nmore"}
    azure.prepare()


@pytest.mark.usefixtures("without_job_events")
def test_says_which_function_is_missing_and_where_the_reason_is(
    azure: Azure, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock(monkeypatch)

    assert postdeploy.main() == 1

    output = capsys.readouterr().out
    assert "Function job_events did not appear in func-demo" in output
    assert "The last answer: ERROR: (NotFound) no such function\n" in output
    assert "the Log Analytics workspace of rg-demo" in output and "AppExceptions" in output
    assert "log stream" not in output
    assert clock.now == 300
    assert sum("--function-name job_events" in call for call in azure.calls) == 31
    assert not any(call.startswith("deployment") for call in azure.calls)


@pytest.mark.usefixtures("without_job_events")
def test_slow_answers_do_not_make_the_wait_longer(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, cost=50)
    assert postdeploy.main() == 1
    assert sum("--function-name job_events" in call for call in azure.calls) == 6


def test_says_that_nobody_is_signed_in(azure: Azure) -> None:
    azure.failures = {"account show": "Please run 'az login' to setup account."}
    result = run(azure)
    assert result.returncode == 1
    assert "not signed in to subscription 0000. Sign in with: az login" in result.stdout
    assert "azd hooks run postdeploy" in result.stdout
    assert len(azure.calls) == 1


def test_says_that_the_azure_cli_is_missing(azure: Azure) -> None:
    (azure.path / "az").unlink()
    result = run(azure)
    assert result.returncode == 1
    assert "The Azure CLI (az) is not on the PATH" in result.stdout


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("(RoleAssignmentExists) The role assignment already exists.", "azd env set WORKSPACE_ROLE None"),
        ("(LinkedAuthorizationFailed) no permission", "azd env set JOB_EVENTS false"),
        (
            "(InvalidDeploymentLocation) exists in location 'eastus'",
            "az deployment sub delete --name connections-func-demo --subscription 0000",
        ),
        ("(BadRequest) something new", "docs/when-azd-up-fails.md"),
    ],
)
def test_shows_the_reason_of_a_failed_deployment_and_what_to_do(
    azure: Azure, message: str, advice: str
) -> None:
    azure.failures = {"deployment sub create": message}
    result = run(azure)
    assert result.returncode == 1
    assert message in result.stdout
    assert advice in result.stdout
    assert "azd hooks run postdeploy" in result.stdout
    assert "Start runs" not in result.stdout
    assert ("    az" in result.stdout) == advice.startswith("az")
    assert not any(line.endswith(" ") for line in result.stdout.splitlines())


def test_names_topics_that_are_not_used_any_more(azure: Azure) -> None:
    names = ("jobs", "data", "egst-jobs-of-the-old-workspace")
    azure.answers = {"system-topic list": [{"name": name, "id": f"{TOPICS}/{name}"} for name in names]}
    result = run(azure)
    assert result.returncode == 0
    command = (
        "az eventgrid system-topic delete --name egst-jobs-of-the-old-workspace --resource-group rg-demo"
    )
    assert command in result.stdout
    assert result.stdout.count("system-topic delete") == 1


def test_ends_well_if_it_may_not_list_topics(azure: Azure) -> None:
    azure.failures = {"system-topic list": "(AuthorizationFailed) may not read"}
    assert run(azure).returncode == 0


@pytest.mark.parametrize("missing", sorted(ENVIRONMENT))
def test_without_one_of_its_variables_says_which(azure: Azure, missing: str) -> None:
    result = azure.run("postdeploy", {name: value for name, value in ENVIRONMENT.items() if name != missing})
    assert result.returncode == 1
    assert f"(The environment has no {missing}.)" in result.stdout
    assert "Run: azd provision\nThen: azd hooks run postdeploy\n" in result.stdout
    assert azure.calls == []
