"""The list of runs: newest first, filtered by phase, time, prefix, endpoint and source, and paged to its end."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from batch.api.continuation import encode_continuation
from local.azure_ml import ControlClient
from local.machine import LocalMachine
from tests.end_to_end.harness import App
from tests.end_to_end.new_data import machine_with, rule, uploaded, wait_until_quiet


def pages(app: App, **params: Any) -> list[list[str]]:
    found, continuation = [], None
    while True:
        page = app.list(**params, **({"continuation": continuation} if continuation else {})).json()
        found.append([run["run_id"] for run in page["runs"]])
        continuation = page["continuation"]
        if continuation is None:
            return found


def test_the_newest_run_is_first_and_pages_hold_each_run_once(app: App) -> None:
    prefix = f"page-{uuid4().hex[:6]}-"
    runs = [app.start(run_id=f"{prefix}{name}", deployment="noop") for name in "dgaecfb"]
    found = pages(app, prefix=prefix, top=3)
    assert found == [runs[:-4:-1], runs[3:0:-1], runs[:1]]
    for run_id in runs:
        app.wait_for_end(run_id)
    assert pages(app, prefix=prefix, top=3) == found


def test_runs_that_start_and_end_meanwhile_do_not_move_the_next_page(
    app: App, control: ControlClient
) -> None:
    prefix = f"moving-{uuid4().hex[:6]}-"
    hold = control.hold("Running")
    runs = [app.start(run_id=f"{prefix}{number}") for number in range(4)]
    for run_id in runs:
        app.wait_for_phase(run_id, "Running")
    first = app.list(prefix=prefix, top=2).json()
    later = app.start(run_id=f"{prefix}later", deployment="noop")
    control.release(hold)
    for run_id in (*runs, later):
        app.wait_for_end(run_id)
    second = app.list(prefix=prefix, top=2, continuation=first["continuation"]).json()

    assert [run["run_id"] for run in (*first["runs"], *second["runs"])] == runs[::-1]
    assert second["continuation"] is None
    assert pages(app, prefix=prefix, top=2)[0] == [later, runs[-1]]


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
    assert select(phase="Running,Completed") == [held, done]
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


def test_an_endpoint_selects_its_runs(app: App, machine: LocalMachine) -> None:
    prefix = f"endpoint-{uuid4().hex[:6]}-"
    run_id = app.start(run_id=f"{prefix}one", deployment="noop")
    assert pages(app, prefix=prefix, endpoint=machine.azure_ml.scoring_uri) == [[run_id]]
    assert pages(app, prefix=prefix, endpoint="https://other.example/jobs") == [[]]
    answer = app.list(endpoint="other")
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, ["endpoint"])
    app.wait_for_end(run_id)


def test_a_folder_selects_the_runs_of_its_data(own_state: Path) -> None:
    """Windows of new data are instances of the task hub, too: only runs are listed."""
    with machine_with(own_state, rule(quiet_seconds=1)) as machine:
        app = App(machine.url)
        for path in ("2026/jänner/a.csv", "2026/february/a.csv", "2025/a.csv"):
            machine.grid.publish(uploaded(machine, path))
        by_hand = app.start(deployment="noop")
        wait_until_quiet(machine)

        def folders(**params: Any) -> set[str]:
            listed = app.list(**params).json()["runs"]
            return {run["source"]["folder"] if run["source"] else run["run_id"] for run in listed}

        assert folders() == {"2026/jänner", "2026/february", "2025", by_hand}
        assert folders(source="incoming/") == {"2026/jänner", "2026/february", "2025"}
        assert folders(source="incoming/2026/") == {"2026/jänner", "2026/february"}
        assert folders(source="incoming/2026/jä", phase="Completed") == {"2026/jänner"}
        assert folders(source="2026/") == set()


def test_the_earliest_time_is_accepted(app: App) -> None:
    run_id = app.start(deployment="noop")
    app.wait_for_end(run_id)
    assert pages(app, prefix=run_id, started_from="0001-01-01T00:00:00Z") == [[run_id]]


def test_a_continuation_needs_no_encoding_in_an_address(app: App) -> None:
    prefix = f"address-{uuid4().hex[:6]}-"
    runs = [app.start(run_id=f"{prefix}{number}", deployment="noop") for number in range(2)]
    first = app.list(prefix=prefix, top=1).json()
    assert re.fullmatch(r"[A-Za-z0-9_-]+", first["continuation"])
    url = f"{app.url}/api/batch-runs?prefix={prefix}&top=1&continuation={first['continuation']}"
    second = requests.get(url, timeout=60).json()
    assert [run["run_id"] for run in first["runs"] + second["runs"]] == runs[::-1]
    for run_id in runs:
        app.wait_for_end(run_id)


def test_a_continuation_names_a_place_whatever_is_there_and_a_cut_one_is_refused(app: App) -> None:
    app.start(deployment="noop")
    behind_all = encode_continuation("099999999999999 gone")
    assert app.list(continuation=behind_all).json() == {"runs": [], "continuation": None}
    assert app.list(continuation=behind_all[:-1]).status_code == 400


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
