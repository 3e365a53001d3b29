"""How a refused request is told to an HTTP caller."""

import json

import pytest

from batch.errors import FieldError
from tests.batch.builders import body, refusals
from triggers.problem import problem


def test_a_refusal_is_problem_json_with_every_field() -> None:
    response = problem(400, "Nothing was started.", refusals(body(client_secret="S3cr3tMarker", timeout=0)))
    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"
    sent = json.loads(response.get_body())
    assert sent["status"] == 400
    assert sent["title"]
    assert sent["detail"] == "Nothing was started."
    assert {error["field"] for error in sent["errors"]} == {"client_secret", "timeout"}
    assert all(error["message"] for error in sent["errors"])
    assert b"S3cr3tMarker" not in response.get_body()


@pytest.mark.parametrize("status", [400, 404, 409, 503])
def test_every_status_has_a_title_and_no_empty_errors(status: int) -> None:
    response = problem(status, "It is so.")
    sent = json.loads(response.get_body())
    assert response.status_code == sent["status"] == status
    assert sent["title"]
    assert "errors" not in sent


def test_any_field_name_is_plain_json() -> None:
    hostile = FieldError('"}\u2028<script>', "is not a known field")
    sent = json.loads(problem(400, "No.", [hostile]).get_body())
    assert sent["errors"] == [{"field": hostile.field, "message": hostile.message}]
