"""The list of runs: filtered by phase, time and prefix, and paged to its end."""

import re
from typing import Any
from uuid import uuid4

import pytest
import requests

from batch.api.continuation import Continuation
from local.azure_ml import ControlClient
from tests.end_to_end.harness import App


def pages(app: App, **params: Any) -> list[list[str]]:
    found, continuation = [], None
    while True:
        page = app.list(**params, **({"continuation": continuation} if continuation else {})).json()
        found.append([run["run_id"] for run in page["runs"]])
        continuation = page["continuation"]
        if continuation is None:
            return found


def test_pages_hold_each_run_once(app: App) -> None:
    prefix = f"page-{uuid4().hex[:6]}-"
    runs = [app.start(run_id=f"{prefix}{number}", deployment="noop") for number in range(7)]
    for run_id in runs:
        app.wait_for_end(run_id)
    found = pages(app, prefix=prefix, top=3)

    assert max(map(len, found)) == 3
    assert sorted(run for page in found for run in page) == sorted(runs)


def test_phases_and_times_select_runs(app: App, control: ControlClient) -> None:
    prefix = f"select-{uuid4().hex[:6]}-"
    done = app.start(run_id=prefix + "done", deployment="noop")
    started = app.wait_for_end(done)["started_at"]
    control.hold("Running")
    held = app.start(run_id=prefix + "held")
    app.wait_for_phase(held, "Running")

    def select(**params: Any) -> list[str]:
        return [run for page in pages(app, prefix=prefix, **params) for run in page]

    assert select(phase="Completed") == [done]
    assert select(phase="Running") == [held]
    assert select(phase="Running,Completed") == sorted([done, held])
    assert select(phase="Failed") == []
    assert select(started_to=started) == [done]
    assert select(started_from=app.run(held)["started_at"]) == [held]
    assert select(started_from="2001-01-01T00:00:00Z", started_to="2002-01-01T00:00:00Z") == []
    app.cancel(held)
    app.wait_for_end(held)


def test_a_listed_run_has_the_same_values_as_its_view(app: App) -> None:
    run_id = app.start(deployment="noop")
    view = app.wait_for_end(run_id)
    listed = app.list(prefix=run_id).json()["runs"][0]

    assert listed.items() <= view.items()
    assert listed["job"]["name"] and listed["endpoint_uri"]


def test_only_runs_are_listed(app: App) -> None:
    """Besides each run the task hub keeps an entity for it."""
    app.wait_for_end(app.start(deployment="noop"))

    assert not any(run.startswith("@") for page in pages(app, top=200) for run in page)


def test_the_earliest_time_is_accepted(app: App) -> None:
    run_id = app.start(deployment="noop")
    app.wait_for_end(run_id)
    assert pages(app, prefix=run_id, started_from="0001-01-01T00:00:00Z") == [[run_id]]


def test_a_continuation_needs_no_encoding_in_an_address(app: App) -> None:
    prefix = f"address-{uuid4().hex[:6]}-"
    runs = [app.start(run_id=f"{prefix}{number}", deployment="noop") for number in range(2)]
    for run_id in runs:
        app.wait_for_end(run_id)
    first = app.list(prefix=prefix, top=1).json()
    assert re.fullmatch(r"[A-Za-z0-9_-]+", first["continuation"])
    url = f"{app.url}/api/batch-runs?prefix={prefix}&top=1&continuation={first['continuation']}"
    second = requests.get(url, timeout=60).json()
    assert [run["run_id"] for run in first["runs"] + second["runs"]] == runs


def test_a_continuation_of_another_task_hub_is_an_empty_page_and_a_cut_one_is_refused(app: App) -> None:
    place = Continuation("fn5+fg== ", "~~~~").encode()
    assert app.list(continuation=place).json() == {"runs": [], "continuation": None}
    assert app.list(continuation=place[:-1]).status_code == 400


@pytest.mark.parametrize("token", ["\r\nX", " abc", "✓", "abc"])
def test_a_made_up_continuation_is_refused(app: App, token: str) -> None:
    answer = app.list(continuation=token)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["continuation"]


@pytest.mark.parametrize(
    "spelling", ["{}%3Fx%3D1", "{}%23x", "{}%2Fx", "..%2F{}", "%2e%2e%2F{}", "{}%20", "{}%00"]
)
def test_only_its_exact_id_names_a_run(app: App, spelling: str) -> None:
    run_id = app.start(deployment="noop")
    for method, end in (("GET", ""), ("POST", "/cancel")):
        answer = requests.request(
            method, f"{app.url}/api/batch-runs/{spelling.format(run_id)}{end}", timeout=10
        )
        assert answer.status_code == 404
    assert app.wait_for_end(run_id)["phase"] == "Completed"
