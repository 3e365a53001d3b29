"""Each fault, as a client observes it."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
import requests

from tests.local.azure_ml.api import Api
from tests.waiting import wait_for


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 503])
def test_a_status_instead_of_the_answer(api: Api, status: int) -> None:
    api.control.fault("invoke", "answer", status=status)
    assert api.invoke().status_code == status
    assert api.control.counters()["invoke"]["jobs"] == 0
    assert api.invoke(deployment="noop").status_code == 201


def test_an_error_after_the_job_was_created(api: Api) -> None:
    api.control.fault("invoke", "answer", when="after", status=500)
    answer = api.invoke(deployment="noop")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "ServiceError")
    [record] = api.control.requests("invoke")
    assert (record["status"], len(record["jobs"])) == (500, 1)
    assert api.arm_get(record["jobs"][0]).status_code == 200


@pytest.mark.parametrize(("when", "jobs"), [("before", 0), ("after", 1)])
def test_a_dropped_connection(api: Api, when: str, jobs: int) -> None:
    api.control.fault("invoke", "drop", when=when)
    with pytest.raises(requests.ConnectionError):
        api.invoke(deployment="noop")
    [record] = api.control.requests("invoke")
    assert (record["status"], len(record["jobs"])) == (None, jobs)


@pytest.mark.parametrize(("when", "jobs"), [("before", 0), ("after", 1)])
def test_a_slow_answer(api: Api, when: str, jobs: int) -> None:
    fault = api.control.fault("invoke", "delay", when=when, seconds=600)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(api.invoke, deployment="noop")
        api.control.wait_at_gate(fault)
        [record] = api.control.requests("invoke")
        assert (record["status"], len(record["jobs"])) == (None, jobs)
        assert api.control.get_fault(fault)["applied"] == 1
        assert not answer.done()
        api.control.remove_fault(fault)
        assert answer.result(10).status_code == 201


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_slow_answer_comes_by_itself_and_not_before_its_time(api: Api, when: str) -> None:
    api.control.fault("invoke", "delay", when=when, seconds=0.2)
    asked_at = time.monotonic()
    assert api.invoke(deployment="noop").status_code == 201
    assert time.monotonic() - asked_at >= 0.2


def test_an_answer_that_trickles_is_whole_in_the_end(api: Api) -> None:
    fault = api.control.fault("invoke", "trickle")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(api.invoke, deployment="noop", timeout=5)
        api.control.wait_at_gate(fault)
        [record] = api.control.requests("invoke")
        assert (record["status"], len(record["jobs"])) == (None, 1)
        api.control.remove_fault(fault)
        body = answer.result(10)
    assert (body.status_code, body.json()["name"]) == (201, record["jobs"][0])
    assert body.text.startswith(" ")
    assert api.control.requests("invoke")[0]["status"] == 201


def test_a_trickling_answer_outlasts_the_time_out_of_each_read(api: Api) -> None:
    job = api.started(deployment="noop")
    fault = api.control.fault("get_job", "trickle", job=job, seconds=1.5)
    asked_at = time.monotonic()
    answer = api.session.get(f"{api.info.scoring_uri}/{job}", headers=api.ml(), timeout=1)
    assert answer.json()["name"] == job
    assert time.monotonic() - asked_at >= 1.5
    assert len(answer.text) - len(answer.text.lstrip()) > 2
    assert api.control.get_fault(fault)["waiting"] == 0


def test_a_trickling_answer_has_headers_and_an_error_can_trickle_too(api: Api) -> None:
    fault = api.control.fault("get_job", "trickle")
    api.control.fault("get_job", "answer", status=503, retry_after=7)
    with api.session.get(f"{api.info.scoring_uri}/any", headers=api.ml(), timeout=10, stream=True) as answer:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
        assert answer.raw.read(1) == b" "
    wait_for("the end", lambda: api.control.get_fault(fault)["waiting"] == 0)
    [record] = api.control.requests("get_job")
    assert record["status"] is None  # the client left before the end


def test_a_trickling_answer_can_be_cut(api: Api) -> None:
    job = api.started(deployment="noop")
    fault = api.control.fault("get_job", "trickle")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(api.get_job, job)
        api.control.wait_at_gate(fault)
        api.control.remove_fault(fault, discard=True)
        with pytest.raises(requests.RequestException):
            answer.result(10)


def test_a_slow_service_creates_the_job_although_the_client_left(api: Api) -> None:
    fault = api.control.fault("invoke", "delay", when="before", seconds=600)
    with api.leaving():
        api.control.wait_at_gate(fault)
    assert api.control.counters()["invoke"]["jobs"] == 0
    api.control.remove_fault(fault)
    wait_for("the job", lambda: api.control.counters()["invoke"]["jobs"] == 1)


def test_retry_after_in_both_forms_or_not_at_all(api: Api) -> None:
    for fields in ({}, {"retry_after": 7}, {"retry_after": 7, "retry_after_form": "http-date"}):
        api.control.fault("get_job", "answer", status=429, **fields)
    assert "Retry-After" not in api.get_job("any").headers
    assert api.get_job("any").headers["Retry-After"] == "7"
    asked_at = datetime.now(UTC)
    moment = parsedate_to_datetime(api.get_job("any").headers["Retry-After"])
    # Seven seconds after the answer was made, in whole seconds.
    assert asked_at + timedelta(seconds=6) < moment <= datetime.now(UTC) + timedelta(seconds=7)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("envelope-a", "application/json", "managementfrontend"),
        ("envelope-b", "application/json", "messageFormat"),
        ("text", "text/plain", "Injected answer with status 500."),
        ("malformed", "application/json", '{"id": "/subscr'),
        ("empty", "", ""),
    ],
)
def test_bodies(api: Api, body: str, content_type: str, text: str) -> None:
    api.control.fault("arm_get", "answer", body=body)
    answer = api.arm_get("any")
    assert answer.headers.get("Content-Type", "").startswith(content_type)
    assert text in answer.text


def test_a_success_that_cannot_be_read(api: Api) -> None:
    api.control.fault("invoke", "answer", when="after", status=201, body="malformed", text="<html>")
    answer = api.invoke(deployment="noop")
    assert (answer.status_code, answer.text) == (201, "<html>")


def test_a_redirect(api: Api) -> None:
    elsewhere = f"{api.info.arm_url}/trap"
    api.control.fault("invoke", "answer", status=302, body="empty", headers={"Location": elsewhere})
    answer = api.invoke()
    assert (answer.status_code, answer.headers["Location"]) == (302, elsewhere)


def test_a_followed_location_shows_up_as_a_token_at_the_wrong_host(api: Api) -> None:
    """A client that polls the ``Location`` of an invoke sends a token for Azure ML to another server."""
    answer = api.invoke(deployment="noop")
    api.session.get(answer.headers["Location"], headers=api.ml(), timeout=10)
    [record] = api.control.requests("other")
    assert (record["server"], record["audience"]) == ("arm", "https://ml.azure.com")


def test_several_jobs_for_one_post(api: Api) -> None:
    api.control.fault("invoke", "duplicate", jobs=3)
    api.control.fault("invoke", "answer", when="after")
    assert api.invoke(deployment="noop").status_code == 500
    assert api.control.counters()["invoke"] == {"requests": 1, "jobs": 3, "500": 1}


def test_times_skip_rate_and_job(api: Api) -> None:
    first, second = api.started(deployment="noop"), api.started(deployment="noop")
    api.control.fault("get_job", "answer", status=503, times=2, skip=1, job=first)
    assert [api.get_job(first).status_code for _ in range(4)] == [200, 503, 503, 200]
    assert api.get_job(second).status_code == 200
    rated = api.control.fault("get_job", "answer", status=503, times=None, rate=0.5)
    hits = [api.get_job(second).status_code for _ in range(40)].count(503)
    assert 5 < hits < 35
    assert api.control.get_fault(rated)["applied"] == hits
    api.control.remove_fault(rated)
    assert api.get_job(second).status_code == 200


def test_a_list_that_lags(api: Api) -> None:
    def listed() -> set[str]:
        return {job["name"] for job in api.list_jobs().json()["value"]}

    old = api.started(deployment="noop")
    fault = api.control.fault("list", "lag", times=None)
    new = api.started(deployment="noop")
    assert (old in listed(), new in listed()) == (True, False)
    api.control.remove_fault(fault)
    assert new in listed()

    fault = api.control.fault("list", "lag", times=None, seconds=600)
    late = api.started(deployment="noop")
    assert late not in listed()
    api.control.remove_fault(fault)

    api.control.fault("list", "lag", times=None, seconds=0.2)
    later = api.started(deployment="noop")
    wait_for("the job in the list", lambda: later in listed())
    assert time.time() - api.control.job(later)["created_at"] >= 0.2


@pytest.mark.parametrize("operation", ["list", "cancel", "arm_get", "get_job"])
def test_operations_can_be_unavailable(api: Api, operation: str) -> None:
    job = api.started(deployment="noop")
    api.control.fault(operation, "answer", status=503, times=None)
    calls = {"list": api.list_jobs, "cancel": api.cancel, "arm_get": api.arm_get, "get_job": api.get_job}
    answer = api.list_jobs() if operation == "list" else calls[operation](job)
    assert answer.status_code == 503


def test_tokens_can_be_unavailable(api: Api) -> None:
    api.control.fault("token", "answer", status=503, retry_after=1)
    answer = api.session.post(
        f"{api.info.authority_host}{api.info.tenant_id}/oauth2/v2.0/token", data={}, timeout=10
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["error_codes"] == [90033]
    api.control.fault("identity", "answer", status=500)
    assert api.session.get(api.info.identity_endpoint, timeout=10).json()["statusCode"] == 500


def test_the_tokens_of_one_audience_can_hang_alone(api: Api) -> None:
    ml, arm = api.info.ml_audience, api.info.arm_audience
    with ThreadPoolExecutor(1) as pool:
        with api.control.gate("token", audience=arm) as gate:
            answer = pool.submit(Api.token, api, arm)
            api.control.wait_at_gate(gate)
            assert api.token(ml)
            assert not answer.done()
        assert answer.result(10)


def test_the_managed_identity_tokens_of_one_audience_can_be_unavailable(api: Api) -> None:
    url, header = api.info.identity_endpoint, {"X-IDENTITY-HEADER": api.info.identity_header}

    def status(audience: str) -> int:
        params = {"resource": audience.rstrip("/"), "api-version": "2019-08-01"}
        return api.session.get(url, headers=header, params=params, timeout=10).status_code

    api.control.fault("identity", "answer", status=500, audience=api.info.arm_audience, times=None)
    assert (status(api.info.arm_audience), status(api.info.ml_audience)) == (500, 200)


def test_an_audience_belongs_to_requests_for_tokens(api: Api) -> None:
    with pytest.raises(RuntimeError, match="'audience' does not belong to operation 'list'"):
        api.control.fault("list", "hold", audience=api.info.arm_audience)


@pytest.mark.parametrize(("when", "created"), [("before", 0), ("after", 1)])
def test_a_gate_holds_requests_until_it_opens(api: Api, when: str, created: int) -> None:
    with ThreadPoolExecutor(1) as pool:
        with api.control.gate("invoke", when=when) as gate:
            answer = pool.submit(api.started, deployment="noop")
            api.control.wait_at_gate(gate)
            assert api.control.counters()["invoke"]["jobs"] == created
            assert not answer.done()
        job = answer.result(10)
    assert api.control.requests("invoke")[0]["jobs"] == [job]


def test_a_gate_can_discard_what_it_held(api: Api) -> None:
    with ThreadPoolExecutor(1) as pool:
        with api.control.gate("invoke", discard=True) as gate:
            answer = pool.submit(api.invoke, deployment="noop")
            api.control.wait_at_gate(gate)
        with pytest.raises(requests.ConnectionError):
            answer.result(10)
    assert api.control.counters()["invoke"] == {"requests": 1, "jobs": 0, "none": 1}


def test_waiting_at_a_gate_has_a_limit(api: Api) -> None:
    with api.control.gate("invoke") as gate, pytest.raises(TimeoutError, match="1 waiting"):
        api.control.wait_at_gate(gate, limit=0.05)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"operation": "invoke", "action": "explode"}, "action"),
        ({"operation": "nothing", "action": "drop"}, "operation"),
        ({"operation": "get_job", "action": "duplicate"}, "belongs to operation 'invoke'"),
        ({"operation": "invoke", "action": "delay"}, "needs 'seconds'"),
        ({"operation": "invoke", "action": "drop", "tmies": 3}, "tmies"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(api: Api, fault: dict[str, str], words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        api.control.fault(**fault)


def test_unknown_names_in_the_control_api(api: Api) -> None:
    for call in (
        lambda: api.control.get_fault("fault-0"),
        lambda: api.control.remove_fault("fault-0"),
        lambda: api.control.release("hold-0"),
        lambda: api.control.job("nobody"),
    ):
        with pytest.raises(RuntimeError, match="404"):
            call()
    with pytest.raises(RuntimeError, match="is not a status"):
        api.control.hold("Sleeping")
