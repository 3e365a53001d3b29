"""What can be wrong with the variables of azd, without a question to Azure. No secret is shown."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.hooks.report import Finding, Note, Problem, passed_once
from infra.hooks.values import is_true, shown, whole_number, wrong_values

RULES = "infra/new-data-rules.json"
SCHEDULER_DAYS = 29
"""How long main.bicep lets runs be kept at most with a Durable Task Scheduler."""

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ORIGIN = r"https://[A-Za-z0-9.-]+(:[0-9]+)?"
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9()_.-]{0,63}[A-Za-z0-9()_-]")
_CONTAINER = re.compile(r"[a-z0-9$][a-z0-9-]{1,62}")
_RESOURCES = {
    "AZURE_ML_WORKSPACE_ID": ("Microsoft.MachineLearningServices", "workspaces"),
    "NEW_DATA_STORAGE_ACCOUNT_ID": ("Microsoft.Storage", "storageAccounts"),
    "NOTIFICATION_TOPIC_ID": ("Microsoft.EventGrid", "topics"),
    "EXISTING_DATA_TOPIC_ID": ("Microsoft.EventGrid", "systemTopics"),
    "EXISTING_WORKSPACE_TOPIC_ID": ("Microsoft.EventGrid", "systemTopics"),
}
_OF_SERVICE_PRINCIPAL = {
    "BATCH_TENANT_ID": "az account show --query tenantId --output tsv",
    "BATCH_CLIENT_ID": 'az ad sp list --display-name <name> --query "[].appId" --output tsv',
    "BATCH_OBJECT_ID": "az ad sp show --id <client id> --query id --output tsv",
}
"""The variables that it needs, and the command that prints the value."""


def findings_of_settings(environment: Mapping[str, str], rules_text: str) -> Iterator[Finding]:
    """``environment`` has a value for each variable; ``rules_text`` is the content of ``RULES``."""
    yield from wrong_values(environment)
    yield from _names(environment)
    yield from _resource_ids(environment)
    yield from _addresses(environment)
    yield from _service_principal(environment)
    yield from _sign_in(environment)
    yield from _new_data(environment, rules_text)
    yield from _consequences(environment)


def _names(environment: Mapping[str, str]) -> Iterator[Finding]:
    name = environment.get("AZURE_ENV_NAME", "")
    if not _ENVIRONMENT_NAME.fullmatch(name):
        yield Problem(
            f"The environment's name is {name!r}. It must have 1 to 64 letters, digits or -_.() and not end in a dot:"
            " the resource group is called rg-<name>.",
            ("azd env new <name>",),
        )
    container = environment["NEW_DATA_CONTAINER"]
    if container and not _CONTAINER.fullmatch(container):
        yield Problem(
            f"NEW_DATA_CONTAINER is {shown(container)}, which is no name of a container: 3 to 63 of a-z, 0-9 and -.",
            ("azd env set NEW_DATA_CONTAINER <name>",),
        )


def _resource_ids(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name, (provider, kind) in _RESOURCES.items():
        form = (
            rf"/subscriptions/[^/\s]+/resourceGroups/[^/\s]+/providers/{re.escape(provider)}/{kind}/[^/\s]+"
        )
        if environment[name] and not re.fullmatch(form, environment[name], re.IGNORECASE):
            yield Problem(
                f"{name} must be a resource id:"
                f" /subscriptions/<id>/resourceGroups/<group>/providers/{provider}/{kind}/<name>",
                (
                    f"az resource show --resource-group <group> --name <name> --resource-type {provider}/{kind}"
                    " --query id --output tsv",
                    f"azd env set {name} <id>",
                ),
            )


def _addresses(environment: Mapping[str, str]) -> Iterator[Finding]:
    endpoint = environment["BATCH_ENDPOINT_URI"]
    if endpoint and not re.fullmatch(f"{_ORIGIN}/jobs", endpoint):
        yield Problem(
            "BATCH_ENDPOINT_URI must be the scoring URI of the endpoint: https://<host>/jobs, and nothing after it.",
            (
                "az ml batch-endpoint show --resource-group <group> --workspace-name <workspace> --name <endpoint>"
                " --query scoring_uri --output tsv",
                "azd env set BATCH_ENDPOINT_URI <uri>",
            ),
        )
    origins = [origin.strip() for origin in environment["ALLOWED_ENDPOINT_ORIGINS"].split(",")]
    if not all(re.fullmatch(_ORIGIN, origin) for origin in origins if origin):
        yield Problem(
            "ALLOWED_ENDPOINT_ORIGINS must be origins, comma separated: https://<host>, without a path.",
            ("azd env set ALLOWED_ENDPOINT_ORIGINS https://<host>,https://<host>",),
        )
    base = environment["PUBLIC_BASE_URL"]
    if base and not re.fullmatch(rf"{_ORIGIN}(/[A-Za-z0-9._~-]+)*/?", base):
        yield Problem(
            "PUBLIC_BASE_URL must be https://<host>, with a path or without, and without a query.",
            ("azd env set PUBLIC_BASE_URL https://<host>",),
        )
    webhook = environment["NOTIFICATION_URL"]
    if webhook and not webhook.startswith("https://"):
        yield Problem("NOTIFICATION_URL must begin with https://", passed_once("NOTIFICATION_URL"))
    email = environment["ALERT_EMAIL"]
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        yield Problem(
            f"ALERT_EMAIL is {shown(email)}, which is no address.", ("azd env set ALERT_EMAIL <address>",)
        )
    default_output = environment["DEFAULT_OUTPUT_URI"]
    if default_output and default_output.lower() != "none" and "{run_id}" not in default_output:
        yield _without_run_id("DEFAULT_OUTPUT_URI")


def _service_principal(environment: Mapping[str, str]) -> Iterator[Finding]:
    if environment["BATCH_IDENTITY"] != "ServicePrincipal":
        return
    for name, command in _OF_SERVICE_PRINCIPAL.items():
        if not _GUID.fullmatch(environment[name]):
            state = "is no GUID" if environment[name] else "is not set"
            yield Problem(
                f"{name} {state}, and BATCH_IDENTITY=ServicePrincipal needs it.",
                (command, f"azd env set {name} <id>"),
            )
    if environment["BATCH_OBJECT_ID"] and environment["BATCH_OBJECT_ID"] == environment["BATCH_CLIENT_ID"]:
        yield Problem(
            "BATCH_OBJECT_ID is the client id. Role assignments need the object id of the service principal.",
            ("az ad sp show --id <client id> --query id --output tsv", "azd env set BATCH_OBJECT_ID <id>"),
        )


def _sign_in(environment: Mapping[str, str]) -> Iterator[Finding]:
    client_id = environment["SIGN_IN_CLIENT_ID"]
    if client_id and not _GUID.fullmatch(client_id):
        yield Problem(
            "SIGN_IN_CLIENT_ID must be the client id of the app registration that people sign in to, a GUID.",
            (
                'az ad app list --display-name <name> --query "[].appId" --output tsv',
                "azd env set SIGN_IN_CLIENT_ID <id>",
            ),
        )
    programs = [program.strip() for program in environment["SIGN_IN_PROGRAMS"].split(",")]
    if not all(_GUID.fullmatch(program) for program in programs if program):
        yield Problem(
            "SIGN_IN_PROGRAMS must be client ids of programs, comma separated, each a GUID.",
            (
                'az ad sp list --display-name <name> --query "[].appId" --output tsv',
                "azd env set SIGN_IN_PROGRAMS <id>,<id>",
            ),
        )
    if environment["SIGN_IN_PROGRAMS"] and not client_id:
        yield Note("SIGN_IN_PROGRAMS has no effect: SIGN_IN_CLIENT_ID is not set.")


def _new_data(environment: Mapping[str, str], rules_text: str) -> Iterator[Finding]:
    rules = _rules(rules_text)
    if rules is None:
        yield Problem(f"{RULES} must be a JSON list of rules; [] is none.", ("make check-infra",))
        return
    watches = bool(environment["NEW_DATA_STORAGE_ACCOUNT_ID"])
    if watches and not rules and not environment["NEW_DATA_CONTAINER"]:
        yield Problem(
            f"NEW_DATA_STORAGE_ACCOUNT_ID is set, but neither NEW_DATA_CONTAINER nor a rule in {RULES}."
            " The app would not start.",
            ("azd env set NEW_DATA_CONTAINER <container>",),
        )
    if not watches:
        if environment["NEW_DATA_CONTAINER"] or any(rule.get("start") != "schedule" for rule in rules):
            yield Note("New data starts no runs: NEW_DATA_STORAGE_ACCOUNT_ID is not set.")
    elif not rules:
        yield from _plain_rule(environment)


def _plain_rule(environment: Mapping[str, str]) -> Iterator[Finding]:
    if environment["NEW_DATA_OUTPUT_URI"] and "{run_id}" not in environment["NEW_DATA_OUTPUT_URI"]:
        yield _without_run_id("NEW_DATA_OUTPUT_URI")
    quiet = whole_number(environment, "NEW_DATA_QUIET_SECONDS") or 0
    longest = whole_number(environment, "NEW_DATA_LONGEST_WAIT_SECONDS") or 0
    if environment["NEW_DATA_START"] == "folder" and quiet > longest:
        yield Problem(
            "NEW_DATA_LONGEST_WAIT_SECONDS is shorter than NEW_DATA_QUIET_SECONDS. The app would not start.",
            (f"azd env set NEW_DATA_LONGEST_WAIT_SECONDS {quiet}",),
        )


def _rules(text: str) -> list[dict[str, Any]] | None:
    try:
        rules = json.loads(text)
    except ValueError:
        return None
    return rules if isinstance(rules, list) and all(isinstance(rule, dict) for rule in rules) else None


def _without_run_id(name: str) -> Problem:
    return Problem(
        f"{name} must hold {{run_id}}: an output that exists already fails the job.",
        (f'azd env set {name} "azureml://datastores/<datastore>/paths/<folder>/{{run_id}}.csv"',),
    )


def _consequences(environment: Mapping[str, str]) -> Iterator[Finding]:
    """What is allowed, and has an effect that surprises."""
    days = whole_number(environment, "RUN_RETENTION_DAYS") or 0
    # The default is one day more, which surprises nobody.
    if environment["DURABLE_BACKEND"] == "DurableTaskScheduler" and days > SCHEDULER_DAYS + 1:
        yield Note(
            f"RUN_RETENTION_DAYS is {days}. With the Durable Task Scheduler runs are kept for at most"
            f" {SCHEDULER_DAYS} days."
        )
    creates_topic = is_true(environment, "JOB_EVENTS") and not environment["EXISTING_WORKSPACE_TOPIC_ID"]
    if environment["WORKSPACE_ROLE"] == "None" and creates_topic:
        yield Note(
            "JOB_EVENTS creates a system topic of the workspace, which needs"
            " Microsoft.EventGrid/eventSubscriptions/write there. Without this right: azd env set JOB_EVENTS false"
        )
    if environment["WORKSPACE_ROLE"] == "Custom":
        yield Note(
            "WORKSPACE_ROLE=Custom defines a role. That needs Owner or User Access Administrator on the group of the"
            " workspace; Role Based Access Control Administrator is not enough."
        )
    if environment["NOTIFICATION_URL"] and not is_true(environment, "NOTIFICATION_WEBHOOK"):
        yield Note("NOTIFICATION_URL has no effect: azd env set NOTIFICATION_WEBHOOK true")
