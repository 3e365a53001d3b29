"""Runs that have ended are told: at least once, with one id, and no run waits for a receiver that is away."""

import socket
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from local.machine import LocalMachine, MachineConfig
from local.notification_receiver import NotificationReceiver
from tests.end_to_end import ledger_file
from tests.end_to_end.harness import TIME_SCALE, App, sample_request, start_after_kill
from tests.waiting import wait_for

SECRET = "S3cr3tMarker-of-the-webhook"
_PAUSE = 600
"""Seconds of durable time: longer than the longest pause between two tries."""


@pytest.fixture
def receiver(tmp_path: Path) -> NotificationReceiver:
    return NotificationReceiver(tmp_path / "received", secret=SECRET)


@pytest.fixture
def dead_receiver(receiver: NotificationReceiver) -> NotificationReceiver:
    """Nothing listens at its address."""
    with receiver:
        pass
    return receiver


def machine_telling(own_state: Path, url: str) -> LocalMachine:
    settings = {"NOTIFICATION_URL": url, "RUN_RETENTION_DAYS": "3650"}
    return LocalMachine(MachineConfig(own_state, settings=settings, tells_topic=True, time_scale=TIME_SCALE))


def published(machine: LocalMachine) -> list[dict[str, Any]]:
    """The events that the topic has accepted."""
    calls = machine.control.requests("publish")
    return [event for call in calls if call["status"] == 200 for event in call["body"]]


def subjects(events: list[dict[str, Any]]) -> set[str]:
    return {event["subject"] for event in events}


def wait_until_told(machine: LocalMachine, receiver: NotificationReceiver, runs: set[str]) -> None:
    """Durable time is skipped: between two tries there are minutes."""

    def told() -> bool:
        if runs <= subjects(receiver.accepted):
            return True
        machine.clock.skip(_PAUSE)
        return False

    wait_for(f"notifications of {runs}", told)


def test_both_receivers_get_one_event_of_each_outcome(
    own_state: Path, receiver: NotificationReceiver
) -> None:
    with receiver, machine_telling(own_state, receiver.url) as machine:
        app = App(machine.url)
        completed = app.start(deployment="noop")
        failed = app.start(endpoint_input_uri="azureml://datastores/missing/paths/x/")
        for run_id in (completed, failed):
            app.wait_for_end(run_id)
        machine.control.hold("Running")
        canceled = app.start()
        app.wait_for_phase(canceled, "Running")
        app.cancel(canceled)
        outcomes = {completed: "Completed", failed: "Failed", canceled: "Canceled"}
        for run_id, outcome in outcomes.items():
            assert app.wait_for_end(run_id)["phase"] == outcome
        wait_for("the webhook's events", lambda: subjects(receiver.accepted) == set(outcomes))
        wait_for("the topic's events", lambda: subjects(published(machine)) == set(outcomes))
        views = {run_id: app.run(run_id) for run_id in outcomes}
        calls = machine.control.requests("publish")
        lines = machine.host.log.read_text()

    assert {call["audience"] for call in calls} == {"https://eventgrid.azure.net"}
    assert sorted(receiver.accepted, key=_id) == sorted(published_of(calls), key=_id)
    for event in receiver.accepted:
        run_id = event["subject"]
        assert event["type"] == f"BatchEndpointRun.{outcomes[run_id]}"
        assert (event["data"], event["time"]) == (views[run_id], views[run_id]["ended_at"])
        assert f"notification_sent run={run_id} receiver=webhook" in lines
    assert not any(key.startswith("notify ") for key in ledger_file.rows(own_state))


def _id(event: dict[str, Any]) -> str:
    return str(event["id"])


def published_of(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for call in calls for event in call["body"]]


def test_a_dead_receiver_delays_nothing_and_a_revived_one_gets_each_event(
    own_state: Path, dead_receiver: NotificationReceiver
) -> None:
    receiver = dead_receiver
    with machine_telling(own_state, receiver.url) as machine:
        app = App(machine.url)
        first = {app.start(deployment="noop") for _ in range(3)}
        for run_id in first:
            assert app.wait_for_end(run_id)["phase"] == "Completed"
        # Neither the list, nor other runs, nor the other receiver wait for it.
        assert {run["run_id"] for run in app.list(phase="Completed").json()["runs"]} == first
        wait_for("the topic's events", lambda: subjects(published(machine)) == first)
        later = app.start()
        assert app.wait_for_end(later)["phase"] == "Completed"
        runs = first | {later}
        wait_for(
            "the failures", lambda: machine.host.log.read_text().count("notification_failed") == len(runs)
        )

        machine.host.kill()
        start_after_kill(machine)
        receiver.status = 503
        with receiver:
            machine.clock.skip(_PAUSE)
            wait_for("tries that are refused", lambda: subjects(receiver.attempts) == runs)
            assert receiver.accepted == []
            receiver.status = 200
            wait_until_told(machine, receiver, runs)
        lines = machine.host.log.read_text()

    ids = defaultdict(set)
    for event in receiver.attempts:
        ids[event["subject"]].add(event["id"])
    assert all(len(each) == 1 for each in ids.values()), ids
    assert len({next(iter(each)) for each in ids.values()}) == len(runs)
    assert len(receiver.attempts) > len(runs), "each was tried again"
    assert "notification_given_up" not in lines
    assert SECRET not in lines


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Connections are taken, and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook?code={SECRET}"


def test_a_receiver_that_hangs_delays_no_run_and_no_other_receiver(own_state: Path, silent_url: str) -> None:
    with machine_telling(own_state, silent_url) as machine:
        app = App(machine.url)
        runs = {app.start(deployment="noop") for _ in range(25)}
        for run_id in runs:
            assert app.wait_for_end(run_id)["phase"] == "Completed"
        wait_for("the topic's events", lambda: subjects(published(machine)) == runs)
        last = app.start()
        assert app.wait_for_end(last)["phase"] == "Completed"


def test_a_refusal_that_does_not_pass_is_one_error_and_no_failed_instance(
    own_state: Path, receiver: NotificationReceiver
) -> None:
    receiver.status = 410
    with receiver, machine_telling(own_state, receiver.url) as machine:
        app = App(machine.url)
        run_id = app.start(deployment="noop")
        app.wait_for_end(run_id)
        wait_for("the line", lambda: "notification_given_up" in machine.host.log.read_text())
        instances = requests.get(f"{machine.url}/runtime/webhooks/durabletask/instances/", timeout=30).json()
        wait_for("the topic's event", lambda: subjects(published(machine)) == {run_id})
        lines = machine.host.log.read_text()
    assert len(receiver.attempts) == 1
    assert lines.count("notification_given_up") == 1
    assert {one["runtimeStatus"] for one in instances} <= {"Completed", "Running"}


def test_a_terminated_run_is_told_by_housekeeping(own_state: Path, receiver: NotificationReceiver) -> None:
    with receiver, machine_telling(own_state, receiver.url) as machine:
        app = App(machine.url)
        machine.control.hold("Running")
        request = sample_request()
        app.post(request)
        run_id = request["run_id"]
        app.wait_for_phase(run_id, "Running")
        terminate = f"{machine.url}/runtime/webhooks/durabletask/instances/{run_id}/terminate"
        assert requests.post(terminate, params={"reason": "by-hand"}, timeout=60).status_code == 202
        app.wait_for_phase(run_id, "Terminated")
        machine.host.stop()
        ledger_file.make_older(own_state, [run_id], "2020")
        machine.host.start()
        assert receiver.attempts == []
        App(machine.url).fire("housekeeping")
        wait_for("the event", lambda: subjects(receiver.accepted) == {run_id})
        [event] = receiver.accepted
    assert event["type"] == "BatchEndpointRun.Terminated"
    assert event["data"]["error"]["message"].startswith("The orchestration ended Terminated: by-hand.")


@pytest.mark.parametrize("status", [200, 500, 404])
def test_the_secret_of_the_webhook_is_nowhere(
    own_state: Path, receiver: NotificationReceiver, status: int
) -> None:
    receiver.status = status
    with receiver, machine_telling(own_state, receiver.url) as machine:
        app = App(machine.url)
        run_id = app.start(deployment="noop")
        view = app.wait_for_end(run_id)
        wait_for("a try", lambda: receiver.attempts)
        hub = f"{machine.url}/runtime/webhooks/durabletask/instances/"
        everything = {"showInput": "true", "showHistory": "true", "showHistoryOutput": "true"}
        found = requests.get(hub, params=everything, timeout=30)
        ids = [one["instanceId"] for one in found.json() if one["name"] == "notification"]
        told = [requests.get(f"{hub}{each}", params=everything, timeout=30).text for each in ids]
    assert len(told) == 2
    files = [path for path in own_state.glob("*") if path.is_file()]
    assert {"host.log", "ledger.db", "task_hub.db"} <= {path.name for path in files}
    contents = {path.name: path.read_bytes() for path in files}
    shown = {"view": view, "list": found.text, "told": told, "event": receiver.attempts}
    for place, content in {**contents, **{name: str(one).encode() for name, one in shown.items()}}.items():
        assert SECRET.encode() not in content, place
