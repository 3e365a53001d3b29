"""A run is run again over HTTP: with its data, an output of its own, and one job."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from functions_host.durable.steered_clock import ClockFile
from local.azure_ml import ControlClient
from tests.end_to_end.harness import App, jobs_of, sample_request


def rerun(app: App, run_id: str, **kwargs: Any) -> requests.Response:
    return requests.post(f"{app.url}/api/batch-runs/{run_id}/rerun", timeout=60, **kwargs)


def rerun_many(app: App, **params: Any) -> requests.Response:
    return requests.post(f"{app.url}/api/batch-runs/rerun", params=params, timeout=60)


def fails(app: App, control: ControlClient, **fields: Any) -> str:
    """A run whose endpoint is not found: it ends without a job."""
    control.fault("invoke", "answer", status=404, times=1)
    run_id = app.start(**fields)
    ended = app.wait_for_end(run_id)
    assert (ended["phase"], ended["error"]["code"]) == ("Failed", "not_found")
    return run_id


def test_a_failed_run_is_run_again_and_completes(app: App, control: ControlClient) -> None:
    run_id = fails(app, control)
    answer = rerun(app, run_id)
    assert answer.status_code == 202, answer.text
    links = answer.json()
    new_id = f"{run_id}.2"
    assert (links["id"], links["runUri"]) == (new_id, f"{app.url}/api/batch-runs/{new_id}")
    assert answer.headers["Location"].startswith(links["statusQueryGetUri"])

    ended = app.wait_for_end(new_id)
    assert (ended["phase"], ended["rerun_of"]) == ("Completed", run_id)
    assert ended["outputs"] == {
        "output_data": f"azureml://datastores/workspaceblobstore/paths/{new_id}/predictions.csv"
    }
    assert (app.run(run_id)["reruns"], app.run(run_id)["phase"]) == ([new_id], "Failed")
    listed = {view["run_id"]: view for view in app.list(prefix=run_id).json()["runs"]}
    assert (listed[run_id]["reruns"], listed[new_id]["rerun_of"]) == ([new_id], run_id)
    assert len(jobs_of(control, f"{new_id}/")) == 1


def test_ten_reruns_at_once_are_one(app: App, control: ControlClient) -> None:
    run_id = fails(app, control)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: rerun(app, run_id), range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [202]
    assert {answer.json()["id"] for answer in answers} == {f"{run_id}.2"}
    assert app.wait_for_end(f"{run_id}.2")["phase"] == "Completed"
    assert len(jobs_of(control, f"{run_id}.2/")) == 1
    # Later it is another one, with a number of its own.
    assert rerun(app, f"{run_id}.2").json()["id"] == f"{run_id}.3"
    assert app.wait_for_end(f"{run_id}.3")["phase"] == "Completed"


def test_a_run_that_goes_on_is_not_run_again(app: App, control: ControlClient) -> None:
    control.hold("Running")
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    answer = rerun(app, run_id)
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "goes on" in answer.json()["detail"]
    app.cancel(run_id)
    assert app.wait_for_end(run_id)["phase"] == "Canceled"
    control.reset()
    assert rerun(app, run_id).status_code == 202
    assert app.wait_for_end(f"{run_id}.2")["phase"] == "Completed"


def test_a_job_that_was_left_needs_a_confirmation(app: App, control: ControlClient, clock: ClockFile) -> None:
    control.hold("Running")
    run_id = app.start(timeout=600, on_timeout="leave", poll_interval=60)
    app.wait_for_phase(run_id, "Running")
    clock.skip(700)
    ended = app.wait_for_end(run_id)
    assert ended["phase"] == "TimedOut"
    answer = rerun(app, run_id)
    assert answer.status_code == 409
    assert f"Job {ended['job']['name']} of run {run_id} may still run" in answer.json()["detail"]
    control.reset()
    assert rerun(app, run_id, json={"confirm_no_job": True}).status_code == 202
    assert app.wait_for_end(f"{run_id}.2")["phase"] == "Completed"


def test_after_an_outage_one_call_runs_all_again(app: App, control: ControlClient) -> None:
    prefix = f"outage-{sample_request()['run_id']}"
    failed = [fails(app, control, run_id=f"{prefix}-{number}") for number in range(3)]
    good = app.start(run_id=f"{prefix}-good")
    app.wait_for_end(good)

    dry = rerun_many(app, prefix=prefix, error="not_found", dry_run="true").json()
    expected = {run_id: f"{run_id}.2" for run_id in failed}
    assert {each["run_id"]: each["rerun_id"] for each in dry["runs"]} == expected
    assert not any(app.run(run_id)["reruns"] for run_id in failed)

    answer = rerun_many(app, prefix=prefix, error="not_found")
    assert answer.status_code == 200, answer.text
    assert {each["run_id"]: each["rerun_id"] for each in answer.json()["runs"]} == expected
    for new_id in expected.values():
        assert app.wait_for_end(new_id)["phase"] == "Completed"
    again = rerun_many(app, prefix=prefix).json()
    assert [each["rerun_id"] for each in again["runs"]] == [None] * 3
    assert rerun_many(app, prefix=prefix, phase="Completed").status_code == 400


def test_rerun_is_no_run_id_and_the_two_addresses_do_not_mix(app: App) -> None:
    answer = app.post(sample_request(run_id="rerun"))
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["run_id"]
    unknown = requests.get(f"{app.url}/api/batch-runs/rerun", timeout=60)
    assert unknown.status_code == 404
    assert rerun(app, "rerun").status_code == 404
    page = rerun_many(app, prefix="there-is-no-such-run")
    assert (page.status_code, page.json()["runs"]) == (200, [])
