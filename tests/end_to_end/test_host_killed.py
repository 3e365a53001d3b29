"""The host is killed (SIGKILL) at each step of a run and started again: one job, the right outcome."""

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import requests

from functions_host.durable.steered_clock import ClockFile
from local.azure_ml import ControlClient
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import (
    ENDED,
    TIME_SCALE,
    VISIBILITY_TIMEOUT,
    App,
    jobs_of,
    sample_request,
    start_after_kill,
)
from tests.waiting import LIMIT, wait_for


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    with LocalMachine(MachineConfig(tmp_path_factory.mktemp("killed"), time_scale=TIME_SCALE)) as machine:
        yield machine


def restart(machine: LocalMachine) -> None:
    machine.host.kill()
    start_after_kill(machine)


@pytest.mark.parametrize(
    ("operation", "when"),
    [
        pytest.param("identity", "before", id="while-authorizing"),
        pytest.param("invoke", "before", id="during-the-POST-before-the-job-exists"),
        pytest.param("invoke", "after", id="during-the-POST-after-the-job-was-created"),
        pytest.param("get_job", "before", id="during-a-check"),
    ],
)
def test_a_kill_in_the_middle_of_a_request(
    machine: LocalMachine, app: App, control: ControlClient, operation: str, when: str
) -> None:
    if operation == "identity":
        restart(machine)  # With a cached token the host would request none.
    with control.gate(operation, when=when, discard=True) as gate:
        run_id = app.start()
        control.wait_at_gate(gate)
        machine.host.kill()
    start_after_kill(machine)

    assert app.wait_for_end(run_id)["phase"] == "Completed"
    assert len(jobs_of(control, run_id)) == 1


def test_messages_of_a_killed_host_are_not_visible_for_a_minute(
    machine: LocalMachine, app: App, control: ControlClient, clock: ClockFile
) -> None:
    with control.gate("invoke", when="before", discard=True) as gate:
        run_id = app.start()
        control.wait_at_gate(gate)
        killed_at = clock.now()
        machine.host.kill()
    machine.host.start()
    assert app.run(run_id)["phase"] == "Submitting"
    clock.run(10 * TIME_SCALE)
    view = app.wait_for_end(run_id)

    invisible_for = datetime.fromisoformat(view["submitted_at"]) - killed_at
    # The host took the activity a moment before the request came to the gate.
    assert invisible_for > timedelta(seconds=VISIBILITY_TIMEOUT - 10)
    assert jobs_of(control, run_id) == [view["job"]["name"]]


def test_a_job_is_found_although_there_is_no_token_after_the_restart(
    machine: LocalMachine, app: App, control: ControlClient
) -> None:
    restart(machine)
    with control.gate("invoke", when="after", discard=True) as gate:
        run_id = app.start()
        control.wait_at_gate(gate)
        machine.host.kill()
    # The identity library retries after a 500, for longer than the search for a lost job lasts here.
    no_token = control.fault("identity", "answer", status=400, body="text", times=None)
    start_after_kill(machine)
    doubt = wait_for("a doubt", lambda: app.run(run_id)["problem"])
    assert doubt["code"] == "submission_uncertain"
    control.remove_fault(no_token)

    assert app.wait_for_end(run_id)["phase"] == "Completed"
    assert len(jobs_of(control, run_id)) == 1


OUTCOMES = {
    "Completed": {"deployment": "noop"},
    "Failed": {"endpoint_input_uri": "azureml://datastores/samples/paths/no-such-folder/"},
    "Canceled": {"poll_interval": 3_600},
}
STEPS = [
    # One episode starts the run, and one handles each answer; a run that fails has another, which raises the reason.
    *(("Completed", episode) for episode in range(1, 5)),
    *(("Failed", episode) for episode in range(1, 6)),
    # From the wait on: nudge, next execution, check, request to cancel, wait, check, end.
    *(("Canceled", episode) for episode in range(5, 12)),
]


@pytest.mark.parametrize(("outcome", "episode"), STEPS)
def test_a_kill_between_the_history_and_the_row_of_the_instance(
    machine: LocalMachine, app: App, control: ControlClient, outcome: str, episode: int
) -> None:
    """A kill at each step. After the last one the custom status stays lost or stale."""
    machine.host.stop()
    machine.host.start("--kill-before-row", str(episode))
    request = sample_request(**OUTCOMES[outcome])
    run_id = str(request["run_id"])
    if outcome == "Canceled":
        control.hold("Running")
    with contextlib.suppress(requests.ConnectionError):  # The answer may be lost with the host.
        app.post(request)
        if outcome == "Canceled":
            app.wait_for_phase(run_id, "Running")
            app.cancel(run_id)
    machine.host.wait_for_end(LIMIT)
    start_after_kill(machine)
    if outcome == "Canceled":
        # A cancel whose answer was lost is sent again; the run may have ended before.
        assert app.cancel(run_id).status_code in (202, 409)

    def runtime_status_of_the_end() -> str | None:
        """The runtime status, if it is an end; the view and the list agree with it each time."""
        runtime_status = str(app.durable_status(run_id)["runtimeStatus"])
        [listed] = app.list(prefix=run_id).json()["runs"]
        for shown in (app.run(run_id), listed):
            assert runtime_status not in ENDED or shown["phase"] == outcome, shown
        return runtime_status if runtime_status in ENDED else None

    assert wait_for("its end", runtime_status_of_the_end) == (
        "Completed" if outcome == "Completed" else "Failed"
    )
    view = app.run(run_id)
    assert (view["phase"], view["next_check_at"], view["problem"]) == (outcome, None, None)
    assert view["ended_at"]
    if outcome == "Completed":
        assert view["job"]["status"] == "Completed"
    else:
        assert view["error"]["code"] == {"Failed": "job_failed", "Canceled": "job_canceled"}[outcome]
        assert jobs_of(control, run_id)[0] in view["error"]["message"]
    assert len(jobs_of(control, run_id)) == 1


def test_a_kill_while_the_run_waits(machine: LocalMachine, app: App, control: ControlClient) -> None:
    hold = control.hold("Running")
    run_id = app.start(poll_interval=2)
    before = wait_for("a wait", lambda: (v := app.run(run_id))["next_check_at"] and v)
    restart(machine)
    wait_for("another check", lambda: app.run(run_id)["checks"] > before["checks"])
    control.release(hold)

    assert app.wait_for_end(run_id)["phase"] == "Completed"
    assert jobs_of(control, run_id) == [before["job"]["name"]]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_while_the_run_cancels_its_job(
    machine: LocalMachine, app: App, control: ControlClient, when: str
) -> None:
    control.hold("Running")
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    with control.gate("cancel", when=when, discard=True) as gate:
        app.cancel(run_id)
        control.wait_at_gate(gate)
        machine.host.kill()
    start_after_kill(machine)
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Canceled"
    assert jobs_of(control, run_id) == [view["job"]["name"]]
    assert control.job(view["job"]["name"])["status"] == "Canceled"


def test_many_kills_at_any_time(
    machine: LocalMachine, app: App, control: ControlClient, clock: ClockFile
) -> None:
    """Twelve runs at once; the host is killed six times during them."""
    clock.run(1)
    runs = [app.start(deployment="noop") for _ in range(12)]
    for _kill in range(6):
        checks = sum(app.run(run_id)["checks"] for run_id in runs)
        wait_for(
            "some progress",
            lambda seen=checks: (
                sum(app.run(run_id)["checks"] for run_id in runs) > seen
                or all(app.run(run_id)["phase"] == "Completed" for run_id in runs)
            ),
        )
        restart(machine)

    for run_id in runs:
        assert app.wait_for_end(run_id)["phase"] == "Completed"
        assert len(jobs_of(control, run_id)) == 1
