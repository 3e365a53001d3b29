"""Files that come after their folder has started a run: each is in one run or ignored, and the run says it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.follow_view import data_text
from local.machine import LocalMachine
from tests.end_to_end.harness import TIME_SCALE, App, start_after_kill
from tests.end_to_end.new_data import (
    close_windows,
    gathered,
    jobs,
    machine_with,
    predictions,
    rule,
    runs,
    uploaded,
    wait_until_quiet,
    windows,
)
from tests.waiting import wait_for

RULES = (
    rule(prefix="rerun/"),
    rule(prefix="again/"),
    rule(prefix="ignore/", late="ignore"),
    rule(prefix="file/", late="file", deployment="default"),
)


@pytest.fixture(scope="module")
def one_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    with machine_with(tmp_path_factory.mktemp("late-files"), *RULES) as machine:
        yield machine


@pytest.fixture
def machine(one_machine: LocalMachine) -> Iterator[LocalMachine]:
    """On it each test has its own folder and rule. The count of jobs starts again at zero."""
    yield one_machine
    one_machine.clock.run(TIME_SCALE)
    one_machine.control.reset()


def _come(machine: LocalMachine, folder: str, *names: str, version: int = 1) -> None:
    """The files come, and their folder becomes quiet."""
    machine.clock.run(0)
    for name in names:
        machine.grid.publish(uploaded(machine, f"{folder}/{name}", version=version))
    close_windows(machine, len(names))


def _comes_late(machine: LocalMachine, folder: str, name: str, version: int = 1) -> None:
    """A file comes that no window gathers."""
    machine.grid.publish(uploaded(machine, f"{folder}/{name}", version=version))
    wait_until_quiet(machine)


def _five(machine: LocalMachine, folder: str) -> dict[str, Any]:
    _come(machine, folder, *(f"{number}.csv" for number in range(1, 6)))
    [run] = runs(machine, folder)
    assert (run["source"]["count"], "folder_count" in run["source"]) == (5, False)
    return run


def _later(machine: LocalMachine, folder: str, *before: dict[str, Any]) -> dict[str, Any]:
    """The one run that is not among those ``before``."""
    known = {run["run_id"] for run in before}
    [run] = [run for run in runs(machine, folder) if run["run_id"] not in known]
    return run


def test_a_late_file_starts_a_run_that_says_it_scores_the_whole_folder_again(machine: LocalMachine) -> None:
    first = _five(machine, "rerun")
    _come(machine, "rerun", "6.csv")
    listed = _later(machine, "rerun", first)

    app = App(machine.url)
    view, custom = (
        app.run(listed["run_id"]),
        app.durable_status(listed["run_id"])["customStatus"],
    )
    for source in (listed["source"], view["source"], custom["source"]):
        assert (source["count"], source["folder_count"], source["names"]) == (1, 6, ["6.csv"])
    assert view["request"]["inputs"]["input_data"]["type"] == "UriFolder"
    assert (view["phase"], jobs(machine)) == ("Completed", 2)
    assert data_text(view["source"]) == "incoming/rerun, 1 new of 6 files"
    line = f"run_started run={listed['run_id']} folder=rerun blobs=1 folder_blobs=6"
    assert line in machine.host.log.read_text()


def test_a_file_that_is_uploaded_again_counts_once(machine: LocalMachine) -> None:
    first = _five(machine, "again")
    _come(machine, "again", "3.csv", version=2)
    second = _later(machine, "again", first)
    _come(machine, "again", "3.csv", "7.csv", version=3)
    third = _later(machine, "again", first, second)

    counts = [(run["source"]["count"], run["source"]["folder_count"]) for run in (second, third)]
    assert counts == [(1, 5), (2, 6)]
    assert jobs(machine) == 3


@pytest.mark.parametrize(("name", "version"), [("6.csv", 1), ("3.csv", 2)])
def test_a_late_file_is_ignored_if_the_rule_says_so(machine: LocalMachine, name: str, version: int) -> None:
    folder = f"ignore/{name}"
    first = _five(machine, folder)
    _comes_late(machine, folder, name, version)

    assert (runs(machine, folder), jobs(machine)) == ([first], 1)
    assert f"upload_ignored blob=incoming/{folder}/{name} reason=late" in machine.host.log.read_text()
    assert gathered(machine) == 0


def test_a_late_file_is_scored_alone_if_the_rule_says_so(machine: LocalMachine) -> None:
    sample = Path("samples") / "data" / "birch-lane-4.csv"
    first = _five(machine, "file")
    machine.grid.publish(uploaded(machine, f"file/{sample.name}", sample.read_text()))
    wait_until_quiet(machine)
    late = _later(machine, "file", first)

    view = App(machine.url).run(late["run_id"])
    assert (view["phase"], jobs(machine)) == ("Completed", 2)
    assert (view["source"]["names"], "folder_count" in view["source"]) == ([sample.name], False)
    given = view["request"]["inputs"]["input_data"]
    assert (given["type"], given["uri"].endswith(f"/incoming/file/{sample.name}")) == ("UriFile", True)
    rows = predictions(machine, late)
    assert len(rows) == 168
    assert all(row.startswith("birch-lane-4") for row in rows)


@pytest.mark.parametrize("late", ["rerun", "ignore", "file"])
def test_a_host_that_is_killed_loses_no_late_file_and_takes_none_twice(own_state: Path, late: str) -> None:
    with machine_with(own_state, rule(late=late)) as machine:
        first = _five(machine, "monday")
        machine.clock.run(0)
        names = [f"late-{number}.csv" for number in range(10)]
        events = [uploaded(machine, f"monday/{name}") for name in names]
        for event in events:
            machine.grid.publish(event)
        wait_for("some deliveries", lambda: windows(machine, "Pending,Running,Completed") > 7)
        machine.host.kill()
        start_after_kill(machine)
        # Event Grid delivers at least once.
        for event in events:
            machine.grid.publish(event)
        machine.grid.wait_until_idle(60)
        machine.clock.run(TIME_SCALE)
        wait_until_quiet(machine)

        later = [run for run in runs(machine, "monday") if run["run_id"] != first["run_id"]]
        taken = sorted(name for run in later for name in run["source"]["names"])
        assert taken == ([] if late == "ignore" else names)
        assert jobs(machine) == 1 + len(later)
        if late == "rerun":
            assert max(run["source"]["folder_count"] for run in later) == 15
        ignored = {name for name in names if f"blob=incoming/monday/{name} " in machine.host.log.read_text()}
        assert ignored == (set(names) if late == "ignore" else set())
