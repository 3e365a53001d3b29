"""Connects the deployed app: its role on the workspace and its event subscriptions, by connections.bicep.

azd gives the outputs of main.bicep as environment variables. Idempotent. Reads and prints no key.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import monotonic, sleep

from infra.hooks.azure_cli import AzureCli, AzureCliError
from infra.hooks.connections import (
    functions_with_events,
    has_data_scientist,
    hint,
    missing_outputs,
    role_to_assign,
    template_parameters,
    unused_topics,
)
from infra.hooks.console import end_with, say
from infra.hooks.environment import OF_HOOKS

_AGAIN = "Then: azd hooks run postdeploy"
_LONGEST_WAIT_SECONDS = 300
_PAUSE_SECONDS = 10
_ASSIGNMENTS_API = "2022-04-01"


class NotConnectedError(Exception):
    """The text says what is wrong and what to do."""


def main() -> int:
    try:
        _connect(os.environ)
    except NotConnectedError as error:
        say(str(error))
        return 1
    return 0


def _connect(environment: Mapping[str, str]) -> None:
    missing = missing_outputs(environment)
    if missing:
        raise NotConnectedError(
            "The resources are not there yet, or from an earlier version. Run: azd provision"
            f"\n{_AGAIN}\n(The environment has no {', '.join(missing)}.)"
        )
    try:
        azure = AzureCli.signed_in(environment["AZURE_SUBSCRIPTION_ID"])
    except AzureCliError as error:
        raise NotConnectedError(f"{error}\n{_AGAIN}") from None
    for function in functions_with_events(environment):
        _wait_for(azure, environment, function)
    _deploy(azure, environment, _role(azure, environment))
    _name_unused_topics(azure, environment)
    say(f"Start runs:  POST {environment['API_URL']}")
    say(f"Watch them:  {environment['MONITOR_URL']}")
    say(f"The key:     {environment['GET_KEY_COMMAND']}")


def _wait_for(azure: AzureCli, environment: Mapping[str, str], function: str) -> None:
    app, group = environment["AZURE_FUNCTION_APP_NAME"], environment["AZURE_RESOURCE_GROUP"]
    say(f"Waiting for the function {function} in {app} (five minutes, then an error)")
    until = monotonic() + _LONGEST_WAIT_SECONDS
    while True:
        try:
            azure.read(
                *("functionapp", "function", "show", "--subscription", environment["AZURE_SUBSCRIPTION_ID"]),
                *("--resource-group", group, "--name", app, "--function-name", function),
            )
            return
        except AzureCliError as error:
            answer = str(error).splitlines()[0]
        if monotonic() >= until:
            break
        sleep(_PAUSE_SECONDS)
    raise NotConnectedError(
        f"Function {function} did not appear in {app} within five minutes. The last answer: {answer}\n"
        "If it is not there: a wrong setting stops the app at its start. The reason is in the Log Analytics workspace"
        f" of {group}, under Logs:\n"
        "    union AppExceptions, AppTraces | where TimeGenerated > ago(30m)"
        " | project TimeGenerated, Type, OuterMessage, Message | order by TimeGenerated desc\n"
        f'If it is empty: the app in the portal, "Diagnose and solve problems". {_AGAIN}'
    )


def _role(azure: AzureCli, environment: Mapping[str, str]) -> str:
    wanted = environment.get("WORKSPACE_ROLE") or OF_HOOKS["WORKSPACE_ROLE"]
    workspace, principal = environment["CONNECT_WORKSPACE_ID"], environment["CONNECT_PRINCIPAL_ID"]
    if wanted != "DataScientist":
        return wanted
    url = f"{workspace}/providers/Microsoft.Authorization/roleAssignments?api-version={_ASSIGNMENTS_API}"
    try:
        assignments = azure.read("rest", "--method", "get", "--url", url)["value"]
        role = role_to_assign(wanted, has_data_scientist(assignments, workspace, principal))
    except (AzureCliError, KeyError, TypeError, AttributeError):
        return wanted  # who may not read the assignments may still be allowed to write one
    if role != wanted:
        say("The app has the role AzureML Data Scientist on the workspace already.")
    return role


def _deploy(azure: AzureCli, environment: Mapping[str, str], role: str) -> None:
    subscription = environment["AZURE_SUBSCRIPTION_ID"]
    name = f"connections-{environment['AZURE_FUNCTION_APP_NAME']}"
    say("Connecting the app with the workspace and with Event Grid")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "parameters.json")
        file.write_text(json.dumps(template_parameters(environment, role)), encoding="utf-8")
        try:
            azure.change(
                *("deployment", "sub", "create", "--subscription", subscription),
                *("--location", environment["AZURE_LOCATION"], "--name", name),
                *("--template-file", "infra/connections.bicep", "--parameters", f"@{file}"),
            )
        except AzureCliError as error:
            advice = hint(str(error), name, subscription)
            raise NotConnectedError(
                f"{error}\nThe app could not be connected; the reason is above. {advice}\n{_AGAIN}"
            ) from None


def _name_unused_topics(azure: AzureCli, environment: Mapping[str, str]) -> None:
    there = ("--subscription", environment["AZURE_SUBSCRIPTION_ID"])
    group = environment["AZURE_RESOURCE_GROUP"]
    try:
        topics = azure.read("eventgrid", "system-topic", "list", "--resource-group", group, *there) or []
        unused = unused_topics(environment, topics)
    except (AzureCliError, KeyError, TypeError, AttributeError):
        return  # the app is connected, and this is advice
    for name in unused:
        say(
            f"This app does not use the system topic {name} any more. If no other app does, delete it:\n"
            f"    az eventgrid system-topic delete --name {name} --resource-group {group} {' '.join(there)}"
        )


if __name__ == "__main__":
    end_with(main, f"What has begun in Azure goes on there. {_AGAIN}")
