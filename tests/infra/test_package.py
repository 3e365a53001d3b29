"""The deployed package: what is in it, how big it is, and that it starts with its pinned requirements alone."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from batch.new_data.settings import NewData
from batch.settings import Settings
from infra.check.project import Project
from infra.check.rules.package import deployed_files
from infra.check.rules.python_source import Source, library_settings

ROOT = Path(__file__).parents[2]
DEPLOYED = {
    "activities", "batch", "entities", "function_app.py", "host.json", "ledger", "orchestrators",
    "requirements.txt", "task_hub", "triggers",
}  # fmt: skip
MAX_BYTES = 800_000
LIST_FUNCTIONS = """
import json, function_app
import azure.identity  # which the app loads for its first token only
print(json.dumps(sorted(one.get_function_name() for one in function_app.app.get_functions())))
"""


@pytest.fixture(scope="module")
def files() -> list[Path]:
    return deployed_files(Project(ROOT, {}))


def test_nothing_but_the_app_is_deployed(files: list[Path]) -> None:
    assert {path.parts[0] for path in files} == DEPLOYED


def test_kinds_of_files_are_known(files: list[Path]) -> None:
    assert {path.suffix for path in files} <= {".py", ".json", ".txt", ".html", ".css", ".js"}


def test_package_is_small(files: list[Path]) -> None:
    assert sum((ROOT / path).stat().st_size for path in files) < MAX_BYTES


def test_app_starts_with_its_own_requirements_alone(files: list[Path], tmp_path: Path) -> None:
    for path in files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)

    command: list[str | Path] = [_deployed_python(), "-W", "error", "-c", LIST_FUNCTIONS]
    result = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PATH": "", "AzureWebJobsStorage": "sqlite:ledger.db"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    functions = json.loads(result.stdout)
    assert {"start_run", "batch_run", "new_data", "job_events", "housekeeping"} <= set(functions)


def test_sample_settings_start_the_app() -> None:
    values = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    assert values["FUNCTIONS_WORKER_RUNTIME"] == "python"
    assert values["AzureWebJobsStorage"] == "UseDevelopmentStorage=true"

    settings = Settings.from_environment(values)

    assert settings.endpoint_uri is not None
    assert settings.workspace_id is not None
    assert NewData.from_environment(values, settings).rules == ()


def test_sample_settings_hold_only_what_something_reads() -> None:
    values = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    project = Project(ROOT, {})
    read = Source.of(project, deployed_files(project)).settings.keys() | library_settings()
    assert values.keys() - read == {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}


def test_rules_in_the_repository_are_ones_the_app_accepts() -> None:
    values = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    rules = (ROOT / "infra/new-data-rules.json").read_text()
    topic = "/subscriptions/0/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/data"
    environment = values | {"NEW_DATA_RULES": rules, "NEW_DATA_TOPIC": topic}
    NewData.from_environment(environment, Settings.from_environment(values))


def _deployed_python() -> Path:
    """The Python of an environment that holds requirements.txt and nothing else, made once for each content."""
    requirements = ROOT / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    environment = ROOT / ".local/deployed" / digest
    if not environment.exists():
        unfinished = environment.with_name(f"{digest}.{os.getpid()}")
        subprocess.run([sys.executable, "-m", "venv", unfinished], check=True)
        pip: list[str | Path] = [
            unfinished / "bin/python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        # Without dependencies: then the app, and pip's own check, show that the pins are complete.
        subprocess.run([*pip, "--no-deps", "-r", requirements], check=True)
        subprocess.run([unfinished / "bin/python", "-m", "pip", "check"], check=True)
        try:
            unfinished.rename(environment)
        except OSError:  # another test run was first
            shutil.rmtree(unfinished)
    return environment / "bin/python"
