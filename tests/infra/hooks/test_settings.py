"""What the preprovision hook finds without a question to Azure."""

import json

import pytest

from infra.hooks.environment import completed
from infra.hooks.report import Note, Problem
from infra.hooks.settings import findings_of_settings
from tests.infra.hooks.environments import ACCOUNT, AS_SERVICE_PRINCIPAL, GIVEN, WORKSPACE, environment

OUTPUT = "azureml://datastores/workspaceblobstore/paths/scores/{run_id}.csv"
TOPIC = WORKSPACE.replace("MachineLearningServices/workspaces", "EventGrid/topics")
UPLOADS = json.dumps([{"container": "incoming"}])
CLOCK = json.dumps([{"start": "schedule", "cron": "0 6 * * *"}])


def found(rules: str = "[]", **changed: str) -> tuple[list[Problem], list[Note]]:
    findings = list(findings_of_settings(environment(**changed), rules))
    problems = [finding for finding in findings if isinstance(finding, Problem)]
    return problems, [finding for finding in findings if isinstance(finding, Note)]


@pytest.mark.parametrize(
    ("changed", "rules"),
    [
        ({}, "[]"),
        ({"AZURE_ML_WORKSPACE_ID": "", "BATCH_ENDPOINT_URI": ""}, "[]"),
        ({"AZURE_ML_WORKSPACE_ID": WORKSPACE.lower()}, "[]"),
        ({"PRIVATE_NETWORKING": "True", "JOB_EVENTS": "0"}, "[]"),
        (AS_SERVICE_PRINCIPAL, "[]"),
        ({"NEW_DATA_STORAGE_ACCOUNT_ID": ACCOUNT, "NEW_DATA_CONTAINER": "incoming"}, "[]"),
        (
            {
                "NEW_DATA_STORAGE_ACCOUNT_ID": ACCOUNT,
                "NEW_DATA_CONTAINER": "incoming",
                "NEW_DATA_QUIET_SECONDS": "60",
                "NEW_DATA_LONGEST_WAIT_SECONDS": "60",
            },
            "[]",
        ),
        ({"NEW_DATA_STORAGE_ACCOUNT_ID": ACCOUNT}, UPLOADS),
        ({"NEW_DATA_STORAGE_ACCOUNT_ID": ACCOUNT, "NEW_DATA_OUTPUT_URI": OUTPUT}, UPLOADS),
        ({}, CLOCK),
        ({"DEFAULT_OUTPUT_URI": "none"}, "[]"),
        ({"DEFAULT_OUTPUT_URI": OUTPUT, "ALERT_EMAIL": "team@example.com"}, "[]"),
        ({"ALLOWED_ENDPOINT_ORIGINS": "https://a.example, https://b.example:8443"}, "[]"),
        ({"PUBLIC_BASE_URL": "https://gateway.example/batch/"}, "[]"),
        ({"NOTIFICATION_WEBHOOK": "true", "NOTIFICATION_URL": "https://hooks.example/?sig=1"}, "[]"),
        ({"NOTIFICATION_TOPIC_ID": TOPIC}, "[]"),
        ({"DURABLE_BACKEND": "DurableTaskScheduler", "RUN_RETENTION_DAYS": "30"}, "[]"),
    ],
)
def test_nothing_is_wrong(changed: dict[str, str], rules: str) -> None:
    assert found(rules, **changed) == ([], [])


@pytest.mark.parametrize(
    ("changed", "what", "remedy"),
    [
        ({"PRIVATE_NETWORKING": "yes"}, "PRIVATE_NETWORKING is 'yes'", "azd env set PRIVATE_NETWORKING true"),
        ({"JOB_EVENTS": "off"}, "JOB_EVENTS is 'off'", "azd env set JOB_EVENTS false"),
        ({"DURABLE_BACKEND": "azurestorage"}, "in exactly these letters", "DURABLE_BACKEND AzureStorage"),
        ({"BATCH_IDENTITY": "SPN"}, "ManagedIdentity or ServicePrincipal", "BATCH_IDENTITY ServicePrincipal"),
        ({"WORKSPACE_ROLE": "Owner"}, "DataScientist, Custom or None", "azd env set WORKSPACE_ROLE None"),
        ({"INSTANCE_MEMORY_MB": "1024"}, "512, 2048 or 4096", "azd env set INSTANCE_MEMORY_MB 2048"),
        ({"NEW_DATA_START": "Folder"}, "file, folder or marker", "azd env set NEW_DATA_START folder"),
        ({"MAXIMUM_INSTANCE_COUNT": "0"}, "from 1 to 1000", "azd env set MAXIMUM_INSTANCE_COUNT"),
        ({"HTTP_CONCURRENCY": "many"}, "from 1 to 1000", "azd env set HTTP_CONCURRENCY"),
        ({"LOG_RETENTION_DAYS": "7"}, "from 30 to 730", "azd env set LOG_RETENTION_DAYS"),
        ({"AZURE_ENV_NAME": "demo."}, "'demo.'", "azd env new"),
        (
            {"AZURE_ML_WORKSPACE_ID": "churn"},
            "AZURE_ML_WORKSPACE_ID must be a resource id",
            "az resource show",
        ),
        ({"AZURE_ML_WORKSPACE_ID": f"{WORKSPACE}/"}, "AZURE_ML_WORKSPACE_ID must be", "azd env set"),
        ({"AZURE_ML_WORKSPACE_ID": f"/subscriptions/x{WORKSPACE}"}, "must be a resource id", "azd env set"),
        ({"NOTIFICATION_TOPIC_ID": WORKSPACE}, "Microsoft.EventGrid/topics/<name>", "azd env set NOTIF"),
        (
            {"EXISTING_WORKSPACE_TOPIC_ID": TOPIC},
            "Microsoft.EventGrid/systemTopics/<name>",
            "azd env set EXIST",
        ),
        ({"EXISTING_DATA_TOPIC_ID": "x"}, "EXISTING_DATA_TOPIC_ID must be", "azd env set EXISTING_DATA"),
        (
            {"BATCH_ENDPOINT_URI": "https://a.example/score"},
            "https://<host>/jobs",
            "az ml batch-endpoint show",
        ),
        (
            {"BATCH_ENDPOINT_URI": "http://a.example/jobs"},
            "https://<host>/jobs",
            "azd env set BATCH_ENDPOINT",
        ),
        ({"ALLOWED_ENDPOINT_ORIGINS": "https://a.example/jobs"}, "without a path", "azd env set ALLOWED"),
        ({"PUBLIC_BASE_URL": "https://a.example/?x=1"}, "PUBLIC_BASE_URL must be", "azd env set PUBLIC"),
        ({"ALERT_EMAIL": "team"}, "ALERT_EMAIL is 'team'", "azd env set ALERT_EMAIL"),
        ({"DEFAULT_OUTPUT_URI": "azureml://x/y.csv"}, "must hold {run_id}", "azd env set DEFAULT_OUTPUT_URI"),
        ({"SIGN_IN_CLIENT_ID": "batch-runs"}, "a GUID", "azd env set SIGN_IN_CLIENT_ID"),
        (
            {"SIGN_IN_PROGRAMS": "22222222-2222-3333-4444-555555555555, factory"},
            "each a GUID",
            "azd env set SIGN_IN_PROGRAMS",
        ),
        ({"NEW_DATA_CONTAINER": "Incoming"}, "NEW_DATA_CONTAINER is 'Incoming'", "NEW_DATA_CONTAINER <name>"),
    ],
)
def test_names_the_variable_and_the_command(changed: dict[str, str], what: str, remedy: str) -> None:
    problems, _ = found(**changed)
    (problem,) = problems
    assert what in problem.what
    assert next(iter(changed)) in problem.what or "environment's name" in problem.what
    assert any(remedy in line for line in problem.remedy)


@pytest.mark.parametrize("name", ["BATCH_TENANT_ID", "BATCH_CLIENT_ID", "BATCH_OBJECT_ID"])
@pytest.mark.parametrize(("value", "state"), [("", "is not set"), ("batch-app", "is no GUID")])
def test_a_service_principal_needs_three_ids(name: str, value: str, state: str) -> None:
    (problem,), _ = found(**{**AS_SERVICE_PRINCIPAL, name: value})
    assert f"{name} {state}" in problem.what


def test_the_object_id_is_not_the_client_id() -> None:
    client = AS_SERVICE_PRINCIPAL["BATCH_CLIENT_ID"]
    (problem,), _ = found(**{**AS_SERVICE_PRINCIPAL, "BATCH_OBJECT_ID": client})
    assert "BATCH_OBJECT_ID is the client id" in problem.what


@pytest.mark.parametrize(
    ("changed", "rules", "what"),
    [
        ({}, "[", "must be a JSON list"),
        ({}, '{"container": "incoming"}', "must be a JSON list"),
        ({"NEW_DATA_STORAGE_ACCOUNT_ID": ACCOUNT}, "[]", "neither NEW_DATA_CONTAINER nor a rule"),
        (
            {
                "NEW_DATA_STORAGE_ACCOUNT_ID": ACCOUNT,
                "NEW_DATA_CONTAINER": "incoming",
                "NEW_DATA_OUTPUT_URI": "azureml://datastores/d/paths/x.csv",
            },
            "[]",
            "NEW_DATA_OUTPUT_URI must hold {run_id}",
        ),
        (
            {
                "NEW_DATA_STORAGE_ACCOUNT_ID": ACCOUNT,
                "NEW_DATA_CONTAINER": "incoming",
                "NEW_DATA_QUIET_SECONDS": "600",
                "NEW_DATA_LONGEST_WAIT_SECONDS": "300",
            },
            "[]",
            "NEW_DATA_LONGEST_WAIT_SECONDS is shorter",
        ),
    ],
)
def test_new_data_that_the_app_would_refuse(changed: dict[str, str], rules: str, what: str) -> None:
    (problem,), _ = found(rules, **changed)
    assert what in problem.what


@pytest.mark.parametrize(
    ("changed", "rules", "text"),
    [
        ({"DURABLE_BACKEND": "DurableTaskScheduler", "RUN_RETENTION_DAYS": "90"}, "[]", "at most 29 days"),
        ({"WORKSPACE_ROLE": "None"}, "[]", "azd env set JOB_EVENTS false"),
        ({"WORKSPACE_ROLE": "Custom"}, "[]", "Owner or User Access Administrator"),
        ({"NOTIFICATION_URL": "https://hooks.example/"}, "[]", "azd env set NOTIFICATION_WEBHOOK true"),
        ({"NEW_DATA_CONTAINER": "incoming"}, "[]", "NEW_DATA_STORAGE_ACCOUNT_ID is not set"),
        ({}, UPLOADS, "NEW_DATA_STORAGE_ACCOUNT_ID is not set"),
    ],
)
def test_tells_what_surprises_and_stops_nothing(changed: dict[str, str], rules: str, text: str) -> None:
    problems, (note,) = found(rules, **changed)
    assert problems == []
    assert text in note.text


def test_no_note_where_the_choice_has_no_effect() -> None:
    assert found(WORKSPACE_ROLE="None", JOB_EVENTS="false") == ([], [])
    assert found(RUN_RETENTION_DAYS="90") == ([], [])


def test_shows_all_problems_at_once() -> None:
    problems, _ = found("[", PRIVATE_NETWORKING="yes", BATCH_IDENTITY="ServicePrincipal", ALERT_EMAIL="team")
    assert len(problems) == 6


def test_shows_no_secret() -> None:
    secret = "http://hooks.example/secret-part"
    problems, notes = found(NOTIFICATION_URL=secret, BATCH_CLIENT_SECRET="secret-part")
    assert len(problems) == 1
    assert "secret-part" not in "".join(map(str, [*problems, *notes]))


@pytest.mark.parametrize(
    "name",
    ["NOTIFICATION_WEBHOOK", "BATCH_IDENTITY", "HTTP_CONCURRENCY", "NEW_DATA_CONTAINER", "ALERT_EMAIL"],
)
def test_shows_no_secret_that_stands_in_the_wrong_variable(name: str) -> None:
    address = "https://hooks.example.com/ended?code=s3cr3t"
    printed = "\n".join(map(str, findings_of_settings(environment(**{name: address}), "[]")))
    assert f"{name} is a longer text" in printed
    assert "s3cr3t" not in printed


def test_values_are_those_that_azd_takes() -> None:
    parameters = {
        "workspaceId": {"value": "${AZURE_ML_WORKSPACE_ID}"},
        "endpointUri": {"value": "${BATCH_ENDPOINT_URI}"},
        "jobEvents": {"value": "${JOB_EVENTS=true}"},
        "location": {"value": "${AZURE_LOCATION}"},
    }
    answers = {"workspaceId": "kept", "endpointUri": "kept"}
    environ = {**GIVEN, "AZURE_ML_WORKSPACE_ID": "", "JOB_EVENTS": ""}
    values = completed(environ, parameters, answers)
    assert values["AZURE_ML_WORKSPACE_ID"] == "kept"
    assert values["BATCH_ENDPOINT_URI"] == GIVEN["BATCH_ENDPOINT_URI"]
    assert values["JOB_EVENTS"] == "true"
    assert values["WORKSPACE_ROLE"] == "DataScientist"
