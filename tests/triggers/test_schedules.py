"""The clock as a trigger: it is there only where there are schedules, and starts what is due."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from batch.new_data.settings import RULES, NewData
from tests.batch.builders import ENDPOINT_URI, settings
from tests.batch.new_data.schedules import schedule, schedule_fields
from tests.task_hub.task_hub import TaskHub
from tests.triggers.functions import INVOCATION, functions
from triggers import schedules

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

ROOT = Path(__file__).parents[2]
LOADED = """
import sys, function_app
print(*(one.get_function_name() for one in function_app.app.get_functions()))
print(*sys.modules)
"""
START_SCHEDULED = functions(schedules.bp)["start_scheduled"]


def app_with(tmp_path: Path, *rules: object) -> tuple[set[str], set[str]]:
    """Names of its functions, and of what it has loaded."""
    environment = {
        "PATH": "",
        "AzureWebJobsStorage": f"sqlite:{tmp_path / 'ledger.db'}",
        "BATCH_ENDPOINT_URI": ENDPOINT_URI,
        RULES: json.dumps(rules),
    }
    result = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    names, modules = result.stdout.splitlines()
    return set(names.split()), set(modules.split())


def test_only_an_app_with_schedules_is_woken_each_minute(tmp_path: Path) -> None:
    names, modules = app_with(tmp_path)
    assert "start_scheduled" not in names
    loaded_for_schedules = {"cronsim", "batch.new_data.schedule", "batch.new_data.due", "task_hub.schedules"}
    assert not modules & loaded_for_schedules
    names, modules = app_with(tmp_path, schedule_fields())
    assert "start_scheduled" in names
    assert modules >= loaded_for_schedules


async def test_the_timer_starts_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "new_data_settings", lambda: NewData("", (), (schedule("* * * * *"),)))
    monkeypatch.setattr("task_hub.schedules.app_settings", settings)
    hub = TaskHub([])
    begin = datetime.now(UTC)
    with hub.served():
        await START_SCHEDULED(timer=None, client=hub.binding, context=INVOCATION)
    end = datetime.now(UTC)
    started = {datetime.strptime(run_id, "schedule-nightly-%Y%m%dT%H%MZ") for run_id in hub.started}
    assert {f"{moment:%H:%M}" for moment in started} & {f"{moment:%H:%M}" for moment in (begin, end)}
