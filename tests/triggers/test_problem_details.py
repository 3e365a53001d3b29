"""How a refused request is reported to an HTTP caller."""

import json

import pytest

from batch.api.responses import ApiError
from batch.errors import FieldError
from tests.batch.builders import body, refusals
from triggers.problem_details import error_response


def test_a_refusal_is_problem_json_with_every_field() -> None:
    wrong = refusals(body(client_secret="S3cr3tMarker", timeout=0))
    response = error_response(ApiError.INVALID_REQUEST, "Nothing was started.", wrong)
    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"
    sent = json.loads(response.get_body())
    assert sent["status"] == 400
    assert sent["title"]
    assert sent["detail"] == "Nothing was started."
    assert {error["field"] for error in sent["errors"]} == {"client_secret", "timeout"}
    assert all(error["message"] for error in sent["errors"])
    assert b"S3cr3tMarker" not in response.get_body()


@pytest.mark.parametrize("kind", ApiError)
def test_every_kind_has_a_title_of_its_own_and_no_empty_errors(kind: ApiError) -> None:
    response = error_response(kind, "The reason.")
    sent = json.loads(response.get_body())
    assert response.status_code == sent["status"] == kind.status
    assert [each.title for each in ApiError].count(sent["title"]) == 1
    assert "errors" not in sent


def test_any_field_name_is_plain_json() -> None:
    hostile = FieldError('"}\u2028<script>', "is not a known field")
    sent = json.loads(error_response(ApiError.INVALID_REQUEST, "No.", [hostile]).get_body())
    assert sent["errors"] == [{"field": hostile.field, "message": hostile.message}]


@pytest.mark.parametrize("kind", ApiError)
def test_the_log_has_the_reason_where_the_caller_cannot_act(
    kind: ApiError, caplog: pytest.LogCaptureFixture
) -> None:
    error_response(kind, "The ledger of runs is not available: it needs a role.")
    expected = ['request_not_served reason="The ledger of runs is not available: it needs a role."']
    assert caplog.messages == (expected if kind is ApiError.STORE_UNAVAILABLE else [])
