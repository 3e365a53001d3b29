"""What is read from the body of an answer: never an exception, always the named type."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.azure_ml import rest
from batch.azure_ml.answer import Answer
from batch.azure_ml.rest import HttpError
from batch.errors import MAX_MESSAGE_LENGTH
from tests.batch.azure_ml.json_values import json_values
from tests.batch.builders import ENDPOINT_URI, WORKSPACE_ID

DENIED = "Access to workspace was denied based on workspace private link configuration."
ENDPOINT_HOST = "scores.westeurope.inference.ml.azure.com"
ARM_JOBS = f"https://management.azure.com{WORKSPACE_ID}/jobs"


def answer(body: object, status: int = 502, url: str = ENDPOINT_URI) -> Answer:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer("POST", url, status, None, sent)


def frontend_envelope(code: str = "UserError", message: str = DENIED) -> dict[str, Any]:
    """Of the management frontend."""
    info = [{"type": "ComponentName", "info": {"value": "managementfrontend"}}]
    return {"error": {"code": code, "message": message, "details": [], "additionalInfo": info}}


def service_envelope(code: str = "UserError", message: str = DENIED) -> dict[str, Any]:
    """Of an internal service."""
    error = {"code": code, "severity": None, "message": message, "details": [], "innerError": None}
    return {"error": error, "correlation": {"operation": "o", "request": "r"}, "location": "westeurope"}


both_envelopes = pytest.mark.parametrize("envelope", [frontend_envelope, service_envelope])


def error_of(answered: Answer) -> HttpError:
    return rest._http_error(answered)


@both_envelopes
def test_the_message_has_code_text_and_details(envelope: Any) -> None:
    body = envelope("ValidationError", "No.")
    body["error"]["details"] = [{"code": "InputMissing", "message": "No input."}]
    assert answer(body).error().message == "ValidationError: No. InputMissing: No input."


def test_plain_text_is_quoted_whatever_its_bytes_are() -> None:
    assert answer(b"Upstream is down").error().message == "Upstream is down"
    assert answer(b"caf\xe9").error().message == "caf\N{REPLACEMENT CHARACTER}"
    assert len(answer(b"x" * 1_000_000).error().message) <= 2_000


def test_a_message_of_many_details_is_cut() -> None:
    body = frontend_envelope()
    body["error"]["details"] = [{"code": "c", "message": "m" * 10_000}] * 10_000
    assert len(answer(body).error().message) < 50_000
    assert len(error_of(answer(body)).message) <= MAX_MESSAGE_LENGTH


@both_envelopes
@pytest.mark.parametrize(
    ("status", "code", "is_user_error"),
    [
        (502, "UserError", True),
        (500, "UserError", True),
        (502, "SystemError", False),
        (502, "", False),
        (400, "UserError", False),
        (404, "UserError", False),
    ],
)
def test_a_user_error_is_told_from_an_outage(
    envelope: Any, status: int, code: str, is_user_error: bool
) -> None:
    assert error_of(answer(envelope(code), status)).is_user_error is is_user_error


@pytest.mark.parametrize("body", [b"UserError", [], {"error": "UserError"}, {"code": "UserError"}])
def test_other_forms_are_no_user_error(body: object) -> None:
    assert not error_of(answer(body)).is_user_error


@both_envelopes
def test_a_user_error_keeps_the_caution_of_a_5xx(envelope: Any) -> None:
    error = error_of(answer(envelope()))
    assert (error.status, error.code.value, error.retryable) == (502, "service_unavailable", True)


@both_envelopes
def test_a_closed_workspace_is_named_with_the_names_to_resolve(envelope: Any) -> None:
    message = error_of(answer(envelope())).message
    assert DENIED in message
    assert "closed to public networks" in message
    assert f"{ENDPOINT_HOST} and the names of westeurope.api.azureml.ms" in message


@both_envelopes
def test_for_a_call_of_arm_the_private_endpoint_and_its_zone_are_named(envelope: Any) -> None:
    message = error_of(answer(envelope(), url=ARM_JOBS)).message
    assert "closed to public networks" in message
    assert "private endpoint of the workspace" in message
    assert "privatelink.api.azureml.ms" in message


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://s.usgovvirginia.inference.ml.azure.us/jobs", "usgovvirginia.api.ml.azure.us"),
        ("https://s.chinaeast2.inference.ml.azure.cn/jobs", "chinaeast2.api.ml.azure.cn"),
        (f"https://management.usgovcloudapi.net{WORKSPACE_ID}/jobs", "privatelink.api.ml.azure.us"),
        (f"https://management.chinacloudapi.cn{WORKSPACE_ID}/jobs", "privatelink.api.ml.azure.cn"),
        ("https://127.0.0.1:7081/jobs", "127.0.0.1 and the names of api.azureml.ms"),
    ],
)
def test_each_cloud_has_its_own_names(url: str, name: str) -> None:
    assert name in error_of(answer(frontend_envelope(), url=url)).message


def test_the_explanation_fits_whatever_the_service_says() -> None:
    segment = "a" * 90
    workspace = (
        f"/subscriptions/{segment}/resourceGroups/{segment}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{segment}"
    )
    url = f"https://management.usgovcloudapi.net{workspace}/jobs"
    message = error_of(answer(frontend_envelope(message=f"private link {'x' * 5_000}"), url=url)).message
    assert len(message) <= MAX_MESSAGE_LENGTH
    assert message.endswith("One of the two is missing.")


def test_another_user_error_is_not_called_private_networking() -> None:
    error = error_of(answer(frontend_envelope(message="The quota is used up.")))
    assert error.is_user_error
    assert "public networks" not in error.message


_keys = st.sampled_from(["code", "message", "details", "innerError", "additionalInfo"])


@given(
    st.dictionaries(_keys, json_values) | json_values,
    json_values,
    st.sampled_from([301, 400, 404, 429, 500, 502]),
)
def test_any_envelope_becomes_an_error_of_its_status(error: Any, beside: Any, status: int) -> None:
    for body in ({"error": error, "beside": beside}, error):
        answered = answer(body, status)
        assert isinstance(answered.error().message, str)
        assert isinstance(answered.error().code, str)
        raised = error_of(answered)
        assert raised.status == status
        assert len(raised.message) <= MAX_MESSAGE_LENGTH


@given(st.binary(max_size=200))
def test_any_bytes_become_an_error_of_their_status(body: bytes) -> None:
    raised = error_of(answer(body, 403))
    assert raised.status == 403
    assert len(raised.message) <= MAX_MESSAGE_LENGTH


@pytest.mark.parametrize("field", ["code", "message", "details"])
def test_a_deep_value_in_an_envelope_is_left_out(field: str) -> None:
    levels = 900
    body = frontend_envelope()
    body["error"][field] = "DEEP"
    text = json.dumps(body).replace('"DEEP"', "[" * levels + "]" * levels)
    assert error_of(answer(text.encode())).status == 502
