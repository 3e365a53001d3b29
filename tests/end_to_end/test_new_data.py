"""New data starts runs: one for each file, folder or marker file; each content once, however its events come."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from local.event_grid import Batching, Disturbance, Schema, blob_created
from local.host_process import HostDidNotStart
from local.machine import Events, LocalMachine, MachineConfig
from tests.end_to_end.harness import TIME_SCALE, VISIBILITY_TIMEOUT, App, start_after_kill
from tests.end_to_end.new_data import (
    BUSY_LIMIT,
    CONTAINER,
    QUIET,
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
    rule(prefix="two/", deployment="default"),
    rule(prefix="trickle/", quiet_seconds=3, longest_wait_seconds=5),
    rule(prefix="stream/", quiet_seconds=1, longest_wait_seconds=1),
    rule(prefix="day/", start="marker", marker="_SUCCESS"),
    rule(prefix="lake/", start="file"),
    rule(prefix="again/", start="file"),
)


@pytest.fixture(scope="module")
def one_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    with machine_with(tmp_path_factory.mktemp("new-data"), *RULES) as machine:
        yield machine


@pytest.fixture
def machine(one_machine: LocalMachine) -> Iterator[LocalMachine]:
    """On it each test has its own folder and rule. The count of jobs starts again at zero."""
    yield one_machine
    one_machine.clock.run(TIME_SCALE)
    one_machine.control.reset()


def test_five_hundred_files_in_one_folder_are_one_job(own_state: Path) -> None:
    with machine_with(own_state, rule(), batching=Batching(max_events=20)) as machine:
        machine.clock.run(0)
        for number in range(500):
            machine.grid.publish(uploaded(machine, f"monday/{number:03}.csv"))
        close_windows(machine, 500)
        [run] = runs(machine)
        view = App(machine.url).run(run["run_id"])

        assert jobs(machine) == 1
        assert view["phase"] == "Completed"
        assert view["source"]["count"] == 500
        assert view["source"]["folder"] == "monday"
        assert len(view["source"]["names"]) == 100
        assert view["source"]["first_event_at"] <= view["source"]["last_event_at"]
        custom = App(machine.url).durable_status(run["run_id"])["customStatus"]
        assert custom["source"]["count"] == 500


def test_two_folders_are_two_jobs_over_their_own_files(machine: LocalMachine) -> None:
    machine.clock.run(0)
    for folder, sample in (("two/north/monday", "birch-lane-4.csv"), ("two/south", "mill-street-7.csv")):
        content = (Path("samples") / "data" / sample).read_text()
        machine.grid.publish(uploaded(machine, f"{folder}/{sample}", content))
    close_windows(machine, 2)
    found = {run["source"]["folder"]: run for run in runs(machine, "two/")}

    assert set(found) == {"two/north/monday", "two/south"}
    assert jobs(machine) == 2
    for folder, sample in (("two/north/monday", "birch-lane-4"), ("two/south", "mill-street-7")):
        run = found[folder]
        assert run["phase"] == "Completed", run
        rows = predictions(machine, run)
        assert rows and all(row.startswith(sample) for row in rows)


def test_files_that_keep_coming_start_a_run_at_the_longest_wait(machine: LocalMachine) -> None:
    """A new file each second, the quiet period is three: only the longest wait can start a run."""
    machine.clock.run(0)
    published = 0
    while not runs(machine, "trickle") and published < 40:
        machine.grid.publish(uploaded(machine, f"trickle/{published:03}.csv"))
        published += 1
        wait_for(
            "the file to be gathered", lambda n=published: gathered(machine) == n or runs(machine, "trickle")
        )
        machine.clock.skip(1)
    assert published < 40, "a run was started while files kept coming"
    assert published >= 4
    machine.clock.run(TIME_SCALE)
    wait_until_quiet(machine)

    assert sum(run["source"]["count"] for run in runs(machine, "trickle")) == published


def test_no_blob_is_lost_when_windows_close_while_others_come(machine: LocalMachine) -> None:
    for number in range(150):
        if number == 140:
            wait_for("a window to close", lambda: runs(machine, "stream"), BUSY_LIMIT)
        machine.grid.publish(uploaded(machine, f"stream/{number:03}.csv"))
        if number % 10 == 0:
            wait_for("the delivery", lambda: machine.grid.tally("new-data").waiting == 0, BUSY_LIMIT)
    wait_until_quiet(machine)
    counts = [run["source"]["count"] for run in runs(machine, "stream")]

    assert len(counts) > 1
    assert sum(counts) == 150
    assert jobs(machine) == len(counts)


@pytest.mark.parametrize("kills", [0, 2])
def test_repeated_events_in_any_order_make_the_same_jobs(own_state: Path, kills: int) -> None:
    """Events come three times, in any order, and the host is killed: the jobs are those of single events."""
    disturbance = Disturbance(copies=3, spread=2.0, seed=kills)
    # Longer than the messages of a killed host are invisible, so that no window closes meanwhile.
    quiet = kills * VISIBILITY_TIMEOUT + QUIET
    patient = rule(quiet_seconds=quiet)
    # At a higher scale the events that meet no host soon wait for hours, or are given up.
    with machine_with(own_state, patient, disturbance=disturbance, time_scale=120.0) as machine:
        machine.clock.run(0)
        for folder in ("red", "green", "blue"):
            for number in range(20):
                machine.grid.publish(uploaded(machine, f"{folder}/{number}.csv"))
        for kill in range(kills):
            wait_for(
                "some deliveries", lambda k=kill: windows(machine, "Pending,Running") > 15 * k, BUSY_LIMIT
            )
            machine.host.kill()
            start_after_kill(machine)
        close_windows(machine, 60, quiet)

        assert sorted((r["source"]["folder"], r["source"]["count"]) for r in runs(machine)) == [
            ("blue", 20),
            ("green", 20),
            ("red", 20),
        ]
        assert jobs(machine) == 3


@pytest.mark.parametrize("schema", list(Schema))
def test_a_file_rule_starts_one_run_for_each_blob_and_content(own_state: Path, schema: Schema) -> None:
    with machine_with(own_state, rule(start="file", suffix=".csv"), schema=schema) as machine:
        first = uploaded(machine, "in/a.csv")
        for event in (first, uploaded(machine, "in/b.csv"), uploaded(machine, "in/c.txt"), first):
            machine.grid.publish(event)
        wait_until_quiet(machine)
        assert sorted(run["source"]["names"] for run in runs(machine)) == [["a.csv"], ["b.csv"]]

        machine.grid.publish(first)
        machine.grid.publish(uploaded(machine, "in/a.csv", "a,b\n3,4\n", version=2))
        wait_until_quiet(machine)
        assert sorted(run["source"]["names"] for run in runs(machine)) == [["a.csv"], ["a.csv"], ["b.csv"]]
        assert jobs(machine) == 3


def test_a_marker_rule_waits_for_the_marker_file(machine: LocalMachine) -> None:
    for name in ("part-0.csv", "part-1.csv"):
        machine.grid.publish(uploaded(machine, f"day/{name}"))
    machine.grid.wait_until_idle(BUSY_LIMIT)
    assert runs(machine, "day") == []

    machine.grid.publish(uploaded(machine, "day/_SUCCESS"))
    wait_until_quiet(machine)
    [run] = runs(machine, "day")
    assert run["source"]["folder"] == "day"
    request = App(machine.url).run(run["run_id"])["request"]["inputs"]["input_data"]
    assert request == {
        "type": "UriFolder",
        "uri": "https://localdata.blob.core.windows.net/incoming/day/",
        "value": None,
    } or request["uri"].endswith("/incoming/day/")


def test_a_data_lake_upload_counts_once(machine: LocalMachine) -> None:
    uploaded(machine, "lake/new.csv")
    for api in ("CreateFile", "FlushWithClose", "CreateFile", "FlushWithClose"):
        machine.grid.publish(blob_created(CONTAINER, "lake/new.csv", api, 8, 1))
    wait_until_quiet(machine)

    assert [run["source"]["names"] for run in runs(machine, "lake")] == [["new.csv"]]


def test_files_in_the_watched_folder_end_as_predictions(own_state: Path) -> None:
    """The whole chain: the test writes files and publishes no event, and the poll interval is an hour."""
    with machine_with(
        own_state, rule(deployment="default", poll_interval=3_600, suffix=".csv"), watch=True
    ) as machine:
        machine.clock.run(0)
        folder = machine.incoming / "today"
        folder.mkdir(parents=True)
        for sample in (Path("samples") / "data").glob("*.csv"):
            (folder / sample.name).write_bytes(sample.read_bytes())
        close_windows(machine, 4)
        [run] = runs(machine)

        assert (run["phase"], run["source"]["count"]) == ("Completed", 4)
        assert len(predictions(machine, run)) == 672


def test_the_app_with_a_wrong_rule_does_not_start(own_state: Path) -> None:
    wrong = rule(output_uri="azureml://datastores/d/paths/{date}.csv")
    with (
        pytest.raises(HostDidNotStart, match=r"NEW_DATA_RULES, rule 1, .*run_id"),
        machine_with(own_state, rule(), wrong),
    ):
        pass


def test_one_rule_needs_no_json(own_state: Path) -> None:
    config = MachineConfig(
        own_state,
        settings={"NEW_DATA_CONTAINER": "incoming", "NEW_DATA_START": "file", "NEW_DATA_SUFFIX": ".csv"},
        events=Events(watch=False),
        time_scale=TIME_SCALE,
    )
    with LocalMachine(config) as machine:
        event = uploaded(machine, "x/birch.csv", (Path("samples") / "data" / "birch-lane-4.csv").read_text())
        machine.grid.publish(event)
        wait_until_quiet(machine)

        assert [run["phase"] for run in runs(machine)] == ["Completed"]


def test_an_upload_whose_run_failed_is_scored_by_its_rerun_and_by_nothing_else(machine: LocalMachine) -> None:
    app = App(machine.url)
    machine.control.fault("invoke", "answer", status=404, times=1)
    event = uploaded(machine, "again/one.csv")
    machine.grid.publish(event)
    wait_until_quiet(machine)
    [failed] = runs(machine, "again")
    assert (failed["phase"], failed["error"]["code"], jobs(machine)) == ("Failed", "not_found", 0)

    page = requests.post(
        f"{machine.url}/api/batch-runs/rerun", params={"source": "incoming/again"}, timeout=60
    ).json()
    [answer] = page["runs"]
    assert (answer["run_id"], answer["rerun_id"]) == (failed["run_id"], f"{failed['run_id']}.2")
    again = app.wait_for_end(answer["rerun_id"])
    assert (again["phase"], again["source"], jobs(machine)) == ("Completed", failed["source"], 1)

    machine.grid.publish(event)
    wait_until_quiet(machine)
    assert (len(runs(machine, "again")), jobs(machine)) == (2, 1)
