"""The shell hooks run with a stub of the Azure CLI; the PowerShell hooks are compared with them as text."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Parser

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / "infra/hooks"
ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": "0000",
    "AZURE_LOCATION": "westeurope",
    "AZURE_RESOURCE_GROUP": "rg-demo",
    "AZURE_FUNCTION_APP_NAME": "func-demo",
    "CONNECT_WORKSPACE_ID": "/subscriptions/0000/resourceGroups/ml/providers/x/workspaces/my workspace",
    "CONNECT_DEAD_LETTER_STORAGE_NAME": "stdemo",
    "CONNECT_PRINCIPAL_ID": "1111",
    "CONNECT_DATA_TOPIC_ID": "/subscriptions/0000/topics/data",
    "CONNECT_NEW_DATA_CONTAINER": "incoming",
    "CONNECT_NEW_DATA_PREFIX": "",
    "CONNECT_NEW_DATA_START": "folder",
    "CONNECT_NEW_DATA_MARKER": "_SUCCESS",
    "CONNECT_WORKSPACE_TOPIC_ID": "/subscriptions/0000/topics/jobs",
    "CONNECT_NOTIFICATION_TOPIC_ID": "/subscriptions/0000/topics/runs",
    "API_URL": "https://func-demo/api/batch-runs",
    "MONITOR_URL": "https://func-demo/api/monitor",
    "GET_KEY_COMMAND": "az functionapp keys list --name func-demo",
}


def run_hook(name: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", HOOKS / f"{name}.sh"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


class Azure:
    """An ``az`` on the PATH that records its calls, and fails if ``AZ_FAILS`` is part of the call."""

    def __init__(self, folder: Path) -> None:
        self.calls_file = folder / "calls"
        self.calls_file.touch()
        self.folder = folder / "bin"
        self.folder.mkdir()
        self._program(
            "az", f'printf "%s\\n" "$*" >> "{self.calls_file}"\ncase "$*" in *"$AZ_FAILS"*) exit 3;; esac\n'
        )
        self._program("sleep", "")

    def _program(self, name: str, body: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}")
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines()

    def postdeploy(self, fails: str = "nothing", **changed: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        return run_hook("postdeploy", ROOT, {"PATH": path, "AZ_FAILS": fails, **ENVIRONMENT, **changed})


@pytest.fixture
def azure(tmp_path: Path) -> Azure:
    return Azure(tmp_path)


def test_postdeploy_waits_for_the_functions_and_applies_the_template(azure: Azure) -> None:
    result = azure.postdeploy()

    assert result.returncode == 0, result.stderr
    account, new_data, job_events, deployment = azure.calls
    assert account.startswith("account show")
    assert "--function-name new_data" in new_data
    assert "--function-name job_events" in job_events
    assert deployment.startswith("deployment sub create --subscription 0000 --location westeurope")
    assert "--template-file infra/connections.bicep" in deployment
    assert "workspaceRole=DataScientist dataTopicId=/subscriptions/0000/topics/data" in deployment
    assert "POST https://func-demo/api/batch-runs" in result.stdout


def test_postdeploy_can_be_repeated(azure: Azure) -> None:
    azure.postdeploy()
    first = azure.calls
    azure.postdeploy()
    assert azure.calls == first + first


def test_postdeploy_waits_for_no_function_that_gets_no_events(azure: Azure) -> None:
    azure.postdeploy(CONNECT_DATA_TOPIC_ID="", CONNECT_WORKSPACE_TOPIC_ID="")
    assert [call.split()[0] for call in azure.calls] == ["account", "deployment"]


def test_postdeploy_takes_the_chosen_role(azure: Azure) -> None:
    azure.postdeploy(WORKSPACE_ROLE="Custom")
    assert "workspaceRole=Custom" in azure.calls[-1]


def test_postdeploy_says_which_function_is_missing(azure: Azure) -> None:
    result = azure.postdeploy(fails="--function-name job_events")
    assert result.returncode == 1
    assert "Function job_events did not appear in func-demo" in result.stderr
    assert len([call for call in azure.calls if "job_events" in call]) == 30
    assert not any(call.startswith("deployment") for call in azure.calls)


def test_postdeploy_says_that_nobody_is_signed_in(azure: Azure) -> None:
    result = azure.postdeploy(fails="account show")
    assert result.returncode == 1
    assert "az login" in result.stderr
    assert len(azure.calls) == 1


def test_postdeploy_fails_when_the_deployment_fails(azure: Azure) -> None:
    result = azure.postdeploy(fails="deployment sub create")
    assert result.returncode == 3
    assert "Start runs" not in result.stdout


def test_postdeploy_without_the_outputs_does_nothing(azure: Azure) -> None:
    (azure.folder / "az").chmod(0o755)
    environment = {"PATH": f"{azure.folder}{os.pathsep}{os.environ['PATH']}", "AZ_FAILS": "nothing"}
    result = run_hook("postdeploy", ROOT, environment)
    assert result.returncode != 0
    assert "AZURE_SUBSCRIPTION_ID" in result.stderr
    assert azure.calls == []


def _prepackage(folder: Path, backend: str | None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"]} | ({"DURABLE_BACKEND": backend} if backend else {})
    return run_hook("prepackage", folder, environment)


def test_prepackage_switches_the_backend_and_nothing_else(tmp_path: Path) -> None:
    host = tmp_path / "host.json"
    shutil.copy(ROOT / "host.json", host)
    original = host.read_text()

    assert _prepackage(tmp_path, "DurableTaskScheduler").returncode == 0
    switched = json.loads(host.read_text())
    assert switched["extensions"]["durableTask"].pop("storageProvider") == {
        "type": "azureManaged",
        "connectionStringName": "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    }
    expected = json.loads(original)
    del expected["extensions"]["durableTask"]["storageProvider"]
    assert switched == expected

    again = _prepackage(tmp_path, "DurableTaskScheduler")
    assert (again.returncode, again.stdout) == (0, "")

    assert _prepackage(tmp_path, "AzureStorage").returncode == 0
    assert host.read_text() == original


@pytest.mark.parametrize("backend", [None, "AzureStorage"])
def test_prepackage_leaves_the_default_alone(tmp_path: Path, backend: str | None) -> None:
    shutil.copy(ROOT / "host.json", tmp_path)
    result = _prepackage(tmp_path, backend)
    assert (result.returncode, result.stdout) == (0, "")
    assert (tmp_path / "host.json").read_text() == (ROOT / "host.json").read_text()


def test_prepackage_refuses_an_unknown_backend(tmp_path: Path) -> None:
    shutil.copy(ROOT / "host.json", tmp_path)
    result = _prepackage(tmp_path, "Netherite")
    assert result.returncode == 1
    assert "must be AzureStorage or DurableTaskScheduler, not 'Netherite'" in result.stderr
    assert (tmp_path / "host.json").read_text() == (ROOT / "host.json").read_text()


def test_prepackage_says_that_it_found_no_place(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text("{}\n")
    result = _prepackage(tmp_path, "DurableTaskScheduler")
    assert result.returncode == 1
    assert "host.json has no line" in result.stderr
    assert (tmp_path / "host.json").read_text() == "{}\n"


@pytest.mark.parametrize("path", sorted(HOOKS.glob("*.ps1")), ids=lambda path: path.name)
def test_powershell_is_powershell(path: Path) -> None:
    parser = Parser(Language(tree_sitter_powershell.language()))
    assert not parser.parse(path.read_bytes()).root_node.has_error


@pytest.mark.parametrize("missing", sorted(ENVIRONMENT))
def test_postdeploy_without_one_of_its_variables_says_which(azure: Azure, missing: str) -> None:
    environment = {name: value for name, value in ENVIRONMENT.items() if name != missing}
    path = f"{azure.folder}{os.pathsep}{os.environ['PATH']}"
    result = run_hook("postdeploy", ROOT, {"PATH": path, "AZ_FAILS": "nothing", **environment})
    assert result.returncode == 1
    assert f"The environment has no {missing}, " in result.stderr
    assert "Run: azd provision." in result.stderr
    assert azure.calls == []


def test_powershell_asks_for_the_same_variables_before_it_does_anything() -> None:
    """Where the templates are those of an earlier version, outputs are missing."""
    bash, powershell = ((HOOKS / f"postdeploy.{ending}").read_text() for ending in ("sh", "ps1"))
    used = set(re.findall(r"\$\{?([A-Z_]+)", bash))
    optional = set(re.findall(r"\$\{([A-Z_]+):-", bash))
    listed = re.search(r"\$needed = @\(([^)]*)\)", powershell)
    listed_in_bash = re.search(r"needed=\(([^)]*)\)", bash)
    assert listed and listed_in_bash
    assert re.findall(r"'([A-Z_]+)'", listed[1]) == listed_in_bash[1].split()
    assert set(listed_in_bash[1].split()) == used - optional == set(ENVIRONMENT)
    assert all("azd provision" in text for text in (bash, powershell))
    assert set(re.findall(r"\$env:([A-Z_]+)", powershell)) == used | optional

    check, _, work = powershell[listed.end() :].partition("function Wait-Function")
    assert re.search(r"if \(\$missing\) \{\s*throw .*\$missing", check)
    assert "az " not in powershell[: listed.end()]
    assert "az account show" in work


def test_powershell_switches_to_the_same_providers() -> None:
    bash, powershell = (
        re.findall(r"'(\{ \"type\": [^}]*\})'", (HOOKS / f"prepackage.{ending}").read_text())
        for ending in ("sh", "ps1")
    )
    assert bash == powershell
    assert [json.loads(provider)["type"] for provider in bash] == ["AzureStorage", "azureManaged"]
