"""Run history as azure-ai-ml reads it: the step of a job, its error, and its log behind a signature."""

from typing import Any

import pytest
import requests

from tests.local.azure_ml.api import Api

LOG = "user_logs/std_log.txt"


def read(api: Api, run: str, what: str, **headers: str) -> requests.Response:
    url = f"{api.info.run_history_url}/history/v1.0{api.info.workspace_resource_id}/runs/{run}/{what}"
    return api.session.get(url, headers=headers or api.ml(), params={"api-version": "v1.0"}, timeout=10)


def ended(api: Api, status: str, **started: Any) -> str:
    name = api.started(**started)
    api.control.wait_for_status(name, status)
    return name


def the_step(api: Api, job: str) -> dict[str, Any]:
    [step] = read(api, job, "children").json()["value"]
    details: dict[str, Any] = read(api, step["runId"], "details").json()
    assert details.items() >= step.items()
    return details


def log_url(api: Api, job: str) -> str:
    return str(the_step(api, job)["logFiles"][LOG])


def test_a_job_that_completed_has_one_step_and_no_error(api: Api) -> None:
    job = ended(api, "Completed")
    details = read(api, job, "details").json()
    assert (details["runId"], details["status"], details["error"]) == (job, "Completed", None)
    step = the_step(api, job)
    assert (step["displayName"], step["status"], step["error"]) == ("batchscoring", "Completed", None)
    assert api.session.get(log_url(api, job), timeout=10).text == api.control.job(job)["log"]


def test_a_job_that_waits_has_no_step_yet(api: Api) -> None:
    hold = api.control.hold("Preparing")
    job = api.started()
    assert read(api, job, "children").json()["value"] == []
    api.control.release(hold)


def test_the_job_names_its_step_and_the_step_says_why(api: Api) -> None:
    job = ended(api, "Failed", uri="azureml://datastores/demo/paths/none/")
    parent = read(api, job, "details").json()["error"]["error"]
    assert parent["message"].startswith("Pipeline has failed child jobs. Failed nodes: /batchscoring.")
    step = the_step(api, job)["error"]["error"]
    assert (step["code"], step["message"]) == ("UserError", api.control.job(job)["error"])
    assert api.session.get(log_url(api, job), timeout=10).text.strip() == step["message"]


def test_the_error_of_a_script_holds_its_traceback(api: Api) -> None:
    name = api.info.datastores["workspaceblobstore"] / "no_columns"
    name.mkdir(exist_ok=True)
    (name / "a.csv").write_text("x\n1\n")
    job = ended(api, "Failed", uri="azureml://datastores/workspaceblobstore/paths/no_columns/")
    message = the_step(api, job)["error"]["error"]["message"]
    assert message.startswith("Execution failed.")
    assert "Traceback (most recent call last)" in message
    assert message.endswith(api.control.job(job)["log"].strip().splitlines()[-1])


def test_a_test_may_say_why_a_job_fails(api: Api) -> None:
    hold = api.control.hold("Running")
    job = api.started(deployment="noop")
    api.control.wait_for_status(job, "Running")
    api.control.show_status(job, "Failed", error="PreemptionError: gone.", error_code="ServiceError")
    api.control.release(hold)
    error = the_step(api, job)["error"]["error"]
    assert (error["code"], error["message"]) == ("ServiceError", "PreemptionError: gone.")


def test_only_the_signature_opens_a_log(api: Api) -> None:
    url = log_url(api, ended(api, "Completed"))
    base, _, query = url.partition("?")
    for wrong in (base, f"{base}?sig=x", url.replace("std_log", "other"), f"{base}x?{query}"):
        answer = api.session.get(wrong, headers=api.ml(), timeout=10)
        assert (answer.status_code, "AuthenticationFailed" in answer.text) == (403, True)


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=2-999999", 206, slice(2, None)),
        ("bytes=-5", 200, slice(None)),
        ("bytes=999999-", 416, slice(0, 0)),
    ],
)
def test_a_log_is_given_in_parts(api: Api, asked: str, status: int, part: slice) -> None:
    job = ended(api, "Completed")
    log = api.control.job(job)["log"].encode()
    answer = api.session.get(log_url(api, job), headers={"Range": asked}, timeout=10)
    assert (answer.status_code, answer.content) == (status, log[part])
    if status != 200:
        assert answer.headers["Content-Range"].endswith(f"/{len(log)}")


def test_run_history_wants_a_token_for_azure_ml_and_a_known_run(api: Api) -> None:
    job = ended(api, "Completed")
    assert read(api, job, "details", Authorization="Bearer x").status_code == 401
    assert read(api, job, "details", **api.arm()).status_code == 401
    assert read(api, "batchjob-none", "details").status_code == 404
    assert read(api, job, "artifacts").status_code == 404


def test_a_job_names_the_host_of_its_history(api: Api) -> None:
    job = ended(api, "Completed")
    host = api.info.run_history_url.removeprefix("https://")
    for answer, services in ((api.get_job(job), "interactionEndpoints"), (api.arm_get(job), "services")):
        endpoint = answer.json()["properties"][services]["Tracking"]["endpoint"]
        assert endpoint.startswith(f"azureml://{host}/mlflow/v1.0/subscriptions/")
    api.control.fault("get_job", "track_elsewhere", text="evil.example")
    endpoints = api.get_job(job).json()["properties"]["interactionEndpoints"]
    assert endpoints["Tracking"]["endpoint"].startswith("azureml://evil.example/")
