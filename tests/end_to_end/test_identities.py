"""Both identities of the Data Factory pipelines, and more, through the real azure-identity library."""

from pathlib import Path
from typing import Any

import pytest

from local.azure_ml import Identity
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import TIME_SCALE, App
from tests.waiting import wait_for


def config(state: Path, **fields: Any) -> MachineConfig:
    return MachineConfig(state, time_scale=TIME_SCALE, **fields)


@pytest.mark.parametrize("identity", ["managed-identity", "secret", "certificate", "federated"])
def test_a_run_completes_with_each_identity(identity: Identity, own_state: Path) -> None:
    with LocalMachine(config(own_state, identity=identity)) as machine:
        app = App(machine.url)
        view = app.wait_for_end(app.start(deployment="noop"))
        principal = next(
            one
            for one in machine.azure_ml.principals.values()
            if one.kind == ("system-assigned" if identity == "managed-identity" else "service-principal")
        )

    assert view["phase"] == "Completed", view
    assert view["identity"]["client_id"] == principal.client_id
    assert view["identity"]["tenant_id"] == machine.azure_ml.tenant_id


def test_a_user_assigned_identity_is_chosen_by_its_client_id(own_state: Path) -> None:
    with LocalMachine(config(own_state, principal="shared")) as machine:
        view = App(machine.url).wait_for_end(App(machine.url).start(deployment="noop"))

    assert view["phase"] == "Completed"
    assert view["identity"]["client_id"] == machine.azure_ml.principals["shared"].client_id


def test_tokens_are_renewed_while_a_job_goes_on(own_state: Path) -> None:
    """The job outlives several tokens."""
    with LocalMachine(config(own_state, identity="secret", token_lifetime=2)) as machine:
        app = App(machine.url)
        hold = machine.control.hold("Running")
        run_id = app.start()
        wait_for("a third token", lambda: len(machine.control.requests("token")) >= 3)
        machine.control.release(hold)
        view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed"


def test_a_wrong_secret_fails_the_run_and_says_what_to_do(own_state: Path) -> None:
    settings = {"AZURE_CLIENT_SECRET": "not-the-secret-at-all"}
    with LocalMachine(config(own_state, identity="secret", settings=settings)) as machine:
        app = App(machine.url)
        view = app.wait_for_end(app.start())
        client_id = machine.azure_ml.principals["runner"].client_id

    error = view["error"]
    assert (view["phase"], error["code"], view["job"]) == ("Failed", "token_refused", None)
    assert "https://ml.azure.com" in error["message"]
    assert client_id in error["message"]
    assert "AADSTS7000215" in error["message"]
    assert "not-the-secret-at-all" not in error["message"]


def test_the_advice_for_a_principal_without_a_role_names_the_role(own_state: Path) -> None:
    with LocalMachine(config(own_state, identity="secret", principal="stranger")) as machine:
        app = App(machine.url)
        run_id = app.start()
        meanwhile = wait_for("the refusal", lambda: (v := app.run(run_id))["problem"] and v)
        machine.clock.skip(15 * 60)
        view = app.wait_for_end(run_id)

    assert (meanwhile["phase"], meanwhile["problem"]["code"]) == ("Submitting", "access_denied")
    assert "AzureML Data Scientist" in meanwhile["problem"]["advice"]
    assert (view["phase"], view["error"]["code"]) == ("Failed", "access_denied")
    assert "AzureML Data Scientist" in view["error"]["advice"]
    assert "tries in 15 minutes; it has no job." in view["error"]["message"]


def test_a_run_waits_for_an_identity_that_gives_no_token_for_long(own_state: Path) -> None:
    with LocalMachine(config(own_state)) as machine:
        away = machine.control.fault(
            "identity", "answer", status=400, times=None
        )  # not retried by the library
        app = App(machine.url)
        run_id = app.start(deployment="noop")
        problem = wait_for("the failure", lambda: app.run(run_id)["problem"])
        for _ in range(6):
            refusals = machine.control.get_fault(away)["applied"]
            machine.clock.skip(301)
            wait_for(
                "another try", lambda before=refusals: machine.control.get_fault(away)["applied"] > before
            )
        machine.control.remove_fault(away)
        machine.clock.skip(301)
        view = app.wait_for_end(run_id)

    assert problem["code"] == "token_unavailable"
    assert "Check that the managed identity is assigned" in problem["advice"]
    assert view["phase"] == "Completed"


def test_an_identity_that_is_unavailable_for_a_moment_does_not_fail_the_run(own_state: Path) -> None:
    with LocalMachine(config(own_state)) as machine:
        machine.control.fault("identity", "answer", status=500, times=2)
        app = App(machine.url)
        view = app.wait_for_end(app.start(deployment="noop"))

    assert view["phase"] == "Completed"


def test_a_token_request_that_hangs_stops_no_run_with_a_token(own_state: Path) -> None:
    """A cancel needs a token for another audience; the checks of the other runs go on, and calls of the API too."""
    with LocalMachine(config(own_state, identity="secret")) as machine:
        app, control = App(machine.url), machine.control
        hold = control.hold("Running")
        canceled, others = app.start(), [app.start() for _ in range(6)]
        for run_id in (canceled, *others):
            app.wait_for_phase(run_id, "Running")
        fault = control.fault("token", "hold", times=None)
        app.cancel(canceled)
        wait_for("the token request", lambda: control.get_fault(fault)["waiting"])
        checks = {run_id: app.run(run_id)["checks"] for run_id in others}
        wait_for(
            "five checks of each of the others",
            lambda: all(app.run(run_id)["checks"] >= checks[run_id] + 5 for run_id in others),
            limit=20,
        )
        assert control.get_fault(fault)["waiting"] == 1
        control.remove_fault(fault)
        assert app.wait_for_end(canceled)["phase"] == "Canceled"
        control.release(hold)
        assert {app.wait_for_end(run_id)["phase"] for run_id in others} == {"Completed"}


def test_runs_without_a_token_wait_and_block_no_other_work(own_state: Path) -> None:
    """The first token request hangs: starts, lists and cancels are answered, and no second request is sent."""
    with LocalMachine(config(own_state, identity="secret")) as machine:
        app, control = App(machine.url), machine.control
        fault = control.fault("token", "hold", times=None)
        runs = [app.start(deployment="noop") for _ in range(12)]
        wait_for("all runs", lambda: all(app.run(run_id)["phase"] == "Authorizing" for run_id in runs))
        wait_for("the token request", lambda: control.get_fault(fault)["waiting"])
        assert app.list().status_code == 200
        assert app.cancel(runs[0]).status_code == 202
        assert control.get_fault(fault)["seen"] == 1
        control.remove_fault(fault)
        phases = [app.wait_for_end(run_id)["phase"] for run_id in runs]

    assert phases == ["Canceled"] + ["Completed"] * 11
