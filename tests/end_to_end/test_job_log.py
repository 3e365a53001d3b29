"""The end of a job's log on demand: read through run history, with an address that nobody else gets to see."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import requests

from local.azure_ml import ControlClient
from local.machine import LocalMachine
from tests.end_to_end.harness import App
from tests.end_to_end.test_why_a_job_failed import MISSING, input_that_breaks_the_script
from tests.waiting import wait_for


def log_of(app: App, run_id: str, **params: Any) -> requests.Response:
    return requests.get(f"{app.url}/api/batch-runs/{run_id}/log", params=params, timeout=90)


def assert_problem(answer: requests.Response, status: int) -> str:
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status
    return str(answer.json()["detail"])


def local_log(machine: LocalMachine, job: str) -> Path:
    path = machine.job_log(job)
    assert path.exists()
    return path


def test_the_log_of_a_script_that_failed_ends_with_its_traceback(app: App, machine: LocalMachine) -> None:
    view = app.wait_for_end(app.start(endpoint_input_uri=input_that_breaks_the_script(machine)))
    answer = log_of(app, view["run_id"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.text == local_log(machine, view["job"]["name"]).read_text()
    assert answer.text.splitlines()[-1] == view["error"]["reason"]["message"]
    assert log_of(app, view["run_id"], tail=1).text == answer.text.splitlines(keepends=True)[-1]
    assert log_of(app, view["run_id"], name="user_logs/std_log.txt").text == answer.text


def test_a_job_that_never_ran_its_script_logs_why(app: App) -> None:
    run_id = app.start(endpoint_input_uri=MISSING)
    app.wait_for_end(run_id)
    assert "no-such-folder" in log_of(app, run_id).text


def test_the_log_of_a_job_that_runs_is_there(app: App, control: ControlClient) -> None:
    hold = control.hold("Running")
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    text = wait_for("the log", lambda: _text(log_of(app, run_id)))
    assert "scored 4 of 4 files" in text
    control.release(hold)


def _text(answer: requests.Response) -> str | None:
    return answer.text if answer.status_code == 200 and "4 of 4" in answer.text else None


def test_only_the_end_of_a_long_log_is_read(app: App, machine: LocalMachine, control: ControlClient) -> None:
    view = app.wait_for_end(app.start())
    lines = [f"{number:07} {'ü' * 20}\n" for number in range(60_000)]
    local_log(machine, view["job"]["name"]).write_text("".join(lines))
    before = len(control.requests("log_file"))
    answer = log_of(app, view["run_id"], tail=10_000)
    assert answer.text == "".join(lines[-10_000:])
    reads = control.requests("log_file")[before:]
    assert [read["status"] for read in reads] == [206, 206]


@pytest.mark.parametrize(
    "text", ["", "no end of line", "a\n\n\nb\r\nc\n", "\udcff".join("xy"), "x" * 2_000_000]
)
def test_any_log_is_text(app: App, machine: LocalMachine, text: str) -> None:
    view = app.wait_for_end(app.start())
    local_log(machine, view["job"]["name"]).write_bytes(text.encode("utf-8", "surrogateescape"))
    answer = log_of(app, view["run_id"])
    assert answer.status_code == 200
    assert len(answer.content) <= 1_100_000
    assert answer.text.splitlines()[-1:] == (
        [text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").splitlines()[-1][-1024 * 1024 :]]
        if text
        else []
    )


def test_secrets_that_a_script_prints_are_not_repeated(app: App, machine: LocalMachine) -> None:
    view = app.wait_for_end(app.start())
    local_log(machine, view["job"]["name"]).write_text("get https://a.example/x?sig=S3cr3tMarker&b=1\n")
    assert log_of(app, view["run_id"]).text == "get https://a.example/x?sig=[redacted]&b=1\n"


def test_the_address_of_a_log_stays_inside(app: App, machine: LocalMachine, control: ControlClient) -> None:
    """Whoever has it can read the log. The token is not sent there, and the address is kept nowhere."""
    run_id = app.start(endpoint_input_uri=MISSING)
    app.wait_for_end(run_id)
    control.fault("log_file", "answer", status=403, body="text", text="Signature did not match", times=1)
    refused = log_of(app, run_id)
    control.fault("log_file", "drop", times=1)
    dropped = log_of(app, run_id)
    assert log_of(app, run_id).status_code == 200

    downloads = control.requests("log_file")
    assert [read["authorization"] for read in downloads] == [False] * len(downloads)
    signatures = {read["query"]["sig"] for read in downloads}
    everything = json.dumps(
        [
            assert_problem(refused, 502),
            assert_problem(dropped, 502),
            app.run(run_id),
            app.durable_status(run_id, showInput="true", showHistory="true", showHistoryOutput="true"),
            machine.host.log.read_text(),
        ]
    )
    assert signatures and not [each for each in signatures if each in everything]
    assert "sig=" not in everything


@pytest.mark.parametrize("tail", ["0", "10001", "-1", "1.5", "all", "\u0661"])
def test_a_wrong_tail_is_refused(app: App, tail: str) -> None:
    run_id = app.start(deployment="noop")
    assert "from 1 to 10000" in assert_problem(log_of(app, run_id, tail=tail), 400)
    assert "lines" in assert_problem(log_of(app, run_id, lines=5), 400)
    app.wait_for_end(run_id)


def test_what_has_no_log_says_so(app: App, control: ControlClient) -> None:
    assert "no run" in assert_problem(log_of(app, "never-started"), 404)
    assert "no run" in assert_problem(log_of(app, "never started"), 404)
    control.fault("invoke", "answer", status=400)
    rejected = app.start()
    app.wait_for_end(rejected)
    assert assert_problem(log_of(app, rejected), 404) == f"Run {rejected} has no job."
    hold = control.hold("Preparing")
    waiting = app.start()
    app.wait_for_phase(waiting, "Queued")
    assert "no log yet" in assert_problem(log_of(app, waiting), 404)
    control.release(hold)
    app.wait_for_end(waiting)
    other = assert_problem(log_of(app, waiting, name="user_logs/other.txt"), 404)
    assert other.endswith("has no log 'user_logs/other.txt'. There are: user_logs/std_log.txt.")


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        *product(["run_details", "get_job", "log_file"], [{"status": 403, "body": "text"}, {"status": 503}]),
        # Any text is a log.
        *product(["run_details", "get_job"], [{"status": 200, "body": "malformed"}]),
    ],
)
def test_an_azure_ml_that_refuses_is_a_bad_gateway(
    app: App, control: ControlClient, operation: str, answer: dict[str, Any]
) -> None:
    run_id = app.start()
    app.wait_for_end(run_id)
    control.fault(operation, "answer", times=None, **answer)
    assert_problem(log_of(app, run_id), 502)


def test_a_log_is_not_missing_because_the_steps_cannot_be_read(app: App, control: ControlClient) -> None:
    run_id = app.start(deployment="noop")
    app.wait_for_end(run_id)
    control.fault("run_children", "answer", status=503, times=None)
    assert "answered 503" in assert_problem(log_of(app, run_id), 502)


@pytest.mark.parametrize(
    "place",
    [
        "https://elsewhere.example/log.txt?sig=x",
        "http://data.blob.core.windows.net/log.txt?sig=x",
        "https://data.blob.core.windows.net.elsewhere.example/log.txt?sig=x",
        "https://data.blob.core.windows.net@elsewhere.example/log.txt?sig=x",
        "https://169.254.169.254/metadata?sig=x",
        "file:///etc/passwd",
        "https://[",
    ],
)
def test_a_log_elsewhere_is_not_downloaded(app: App, control: ControlClient, place: str) -> None:
    run_id = app.start(deployment="noop")
    app.wait_for_end(run_id)
    details = json.dumps({"logFiles": {"user_logs/std_log.txt": place}})
    control.fault("run_details", "answer", status=200, body="malformed", text=details, times=None)
    assert "no storage account" in assert_problem(log_of(app, run_id), 502)
