"""A run id starts one run and one job."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.azure_ml import ControlClient
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import TIME_SCALE, App, sample_request


def posts_of(control: ControlClient, run_id: str) -> int:
    return sum(run_id in str(call["body"]) for call in control.requests("invoke"))


def test_the_same_request_again_answers_with_the_run_and_starts_nothing(
    app: App, control: ControlClient
) -> None:
    control.hold("Running")
    request = sample_request()
    first = app.post(request)
    app.wait_for_phase(request["run_id"], "Running")
    second = app.post(request)

    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json()["run"]["run_id"] == request["run_id"]
    assert second.json()["statusQueryGetUri"] == first.json()["statusQueryGetUri"]
    assert posts_of(control, request["run_id"]) == 1
    app.cancel(request["run_id"])
    app.wait_for_end(request["run_id"])


def test_the_run_id_can_come_as_a_header(app: App, control: ControlClient) -> None:
    request = sample_request()
    run_id = request.pop("run_id")
    answers = [app.post(request, headers={"Idempotency-Key": run_id}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 200]
    assert app.wait_for_end(run_id)["phase"] == "Completed"
    assert posts_of(control, run_id) == 1


def test_twenty_starts_at_the_same_time_make_one_job(app: App, control: ControlClient) -> None:
    request = sample_request()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: app.post(request), range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
    assert app.wait_for_end(request["run_id"])["phase"] == "Completed"
    assert posts_of(control, request["run_id"]) == 1


def test_of_different_requests_for_an_id_at_the_same_time_one_is_started(own_state: Path) -> None:
    """Every other caller must learn that its data is not scored."""
    ids, callers = [f"r-{number:02}" for number in range(40)], 6
    requests = [
        sample_request(run_id=run_id, deployment="noop", endpoint_output_uri=output_of(run_id, caller))
        for run_id in ids
        for caller in range(callers)
    ]
    with LocalMachine(MachineConfig(own_state, time_scale=TIME_SCALE)) as machine:
        app = App(machine.url)
        with ThreadPoolExecutor(callers) as pool:
            answers = list(pool.map(app.post, requests))
        started = [
            request for request, answer in zip(requests, answers, strict=True) if answer.status_code == 202
        ]
        assert Counter(answer.status_code for answer in answers) == {202: 40, 409: 200}
        assert [request["run_id"] for request in started] == ids
        for request in started:
            assert app.wait_for_end(request["run_id"])["phase"] == "Completed"
            assert app.run(request["run_id"])["outputs"] == {"output_data": request["endpoint_output_uri"]}
        posts = machine.control.requests("invoke")
        assert sum(len(post["jobs"]) for post in posts) == 40
        for request in started:
            [post] = [post for post in posts if request["run_id"] in str(post["body"])]
            assert request["endpoint_output_uri"] in str(post["body"])


def output_of(run_id: str, caller: int) -> str:
    return f"azureml://datastores/workspaceblobstore/paths/{run_id}/of-caller-{caller}.csv"


def test_the_same_id_with_another_request_is_a_conflict(app: App, control: ControlClient) -> None:
    request = sample_request()
    app.post(request)
    answer = app.post(request | {"poll_interval": 2})

    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert app.wait_for_end(request["run_id"])["phase"] == "Completed"
    assert posts_of(control, request["run_id"]) == 1


def test_after_the_run_ended_its_id_still_starts_nothing(app: App, control: ControlClient) -> None:
    request = sample_request()
    app.post(request)
    ended = app.wait_for_end(request["run_id"])
    answer = app.post(request)

    assert answer.status_code == 200
    assert answer.json()["run"]["job"] == ended["job"]
    assert app.run(request["run_id"])["ended_at"] == ended["ended_at"]
    assert posts_of(control, request["run_id"]) == 1


def test_without_an_id_each_request_is_a_run_of_its_own(app: App) -> None:
    request = sample_request(run_id=None, endpoint_output_uri=None, deployment="noop")
    first, second = app.post(request).json(), app.post(request).json()

    assert first["id"] != second["id"]
    for answer in (first, second):
        assert app.wait_for_end(answer["id"])["phase"] == "Completed"
