"""A check that fails is not a failed job: the read is retried, and the run goes on."""

import json
from typing import Any

import pytest

from local.azure_ml import ControlClient
from tests.end_to_end.harness import App
from tests.waiting import wait_for

TRANSIENT = [
    pytest.param({"action": "answer", "status": 408}, id="408"),
    pytest.param({"action": "answer", "status": 429}, id="429"),
    pytest.param({"action": "answer", "status": 500, "body": "envelope-b"}, id="500"),
    pytest.param({"action": "answer", "status": 503, "body": "text"}, id="503-plain-text"),
    pytest.param({"action": "answer", "status": 200, "body": "malformed"}, id="200-malformed"),
    pytest.param({"action": "answer", "status": 401, "body": "text"}, id="401"),
    pytest.param({"action": "answer", "status": 403}, id="403"),
    pytest.param({"action": "answer", "status": 404}, id="404-just-after-submission"),
    pytest.param({"action": "drop"}, id="connection-dropped"),
    pytest.param(
        {"action": "answer", "status": 200, "body": "malformed", "text": "[" * 100_000}, id="200-too-deep"
    ),
    pytest.param(
        {"action": "answer", "status": 403, "body": "malformed", "text": '{"error": ' + "[" * 100_000},
        id="403-too-deep",
    ),
    pytest.param(
        {"action": "answer", "status": 200, "headers": {"Content-Encoding": "gzip"}}, id="200-no-gzip"
    ),
    pytest.param(
        {"action": "answer", "status": 503, "headers": {"Location": "http://[::1", "Retry-After": "1e999"}},
        id="503-odd-headers",
    ),
]


@pytest.mark.parametrize("fault", TRANSIENT)
def test_after_a_read_that_fails_the_run_goes_on(
    app: App, control: ControlClient, fault: dict[str, object]
) -> None:
    control.fault("get_job", times=2, **fault)
    run_id = app.start(deployment="noop")
    view = app.wait_for_end(run_id)

    assert view["phase"] == "Completed"
    assert view["problem"] is None


def test_the_problem_is_shown_while_it_lasts(app: App, control: ControlClient) -> None:
    fault = control.fault("get_job", "answer", status=503, body="text", text="Upstream is down", times=None)
    run_id = app.start(deployment="noop")
    view = wait_for("the problem", lambda: (v := app.run(run_id))["problem"] and v)
    control.remove_fault(fault)

    assert view["problem"]["code"] == "service_unavailable"
    assert "Upstream is down" in view["problem"]["message"]
    assert app.wait_for_end(run_id)["phase"] == "Completed"


def test_the_run_waits_as_long_as_retry_after_says(app: App, control: ControlClient) -> None:
    control.fault("get_job", "answer", status=429, retry_after=4, times=1)
    run_id = app.start(deployment="noop")
    view = wait_for("the wait", lambda: (v := app.run(run_id))["next_check_at"] and v)

    assert view["next_check_at"] > view["last_check_at"]
    assert app.wait_for_end(run_id)["phase"] == "Completed"
    assert [call["status"] for call in control.requests("get_job")] == [429, 200]


def test_a_job_that_cannot_be_read_for_a_while_is_not_given_up(app: App, control: ControlClient) -> None:
    """A secret was renewed, or a role has not taken effect yet: the job runs and costs money meanwhile."""
    hold = control.hold("Running")
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    fault = control.fault("get_job", "answer", status=403, times=None)
    wait_for("many refusals", lambda: control.get_fault(fault)["applied"] > 6)
    view = app.run(run_id)

    assert view["runtime_status"] in ("Running", "ContinuedAsNew")
    assert "AzureML Data Scientist" in view["problem"]["advice"]
    control.remove_fault(fault)
    control.release(hold)
    assert app.wait_for_end(run_id)["phase"] == "Completed"


def test_a_status_of_another_job_is_not_believed(app: App, control: ControlClient) -> None:
    """It says Failed, and the run's own job completes."""
    hold = control.hold("Running")
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    other = {"name": "batchjob-of-another", "properties": {"status": "Failed"}}
    fault = control.fault(
        "get_job", "answer", status=200, body="malformed", text=json.dumps(other), times=None
    )
    view = wait_for("the problem", lambda: (v := app.run(run_id))["problem"] and v)
    assert view["phase"] == "Running"
    assert "another job: batchjob-of-another" in view["problem"]["message"]
    control.remove_fault(fault)
    control.release(hold)
    assert app.wait_for_end(run_id)["phase"] == "Completed"


PRIVATE_LINK: dict[str, Any] = {
    "error": {
        "code": "UserError",
        "message": "Access to workspace was denied based on workspace private link configuration.",
        "details": [],
        "additionalInfo": [{"type": "ComponentName", "info": {"value": "managementfrontend"}}],
    }
}


def test_a_workspace_that_is_closed_to_public_networks_is_named(app: App, control: ControlClient) -> None:
    control.fault(
        "get_job", "answer", status=502, body="malformed", text=json.dumps(PRIVATE_LINK), times=None
    )
    run_id = app.start(deployment="noop")
    view = wait_for("the problem", lambda: (v := app.run(run_id))["problem"] and v)

    assert view["problem"]["code"] == "service_unavailable"
    assert "private link configuration" in view["problem"]["message"]
    assert "closed to public networks" in view["problem"]["message"]
    control.reset()
    assert app.wait_for_end(run_id)["phase"] == "Completed"
