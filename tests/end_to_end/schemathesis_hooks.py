"""Rules of the API and its platform that a schema cannot express; generated requests follow them."""

import json
from typing import Any

import schemathesis

from batch.api import openapi_examples
from batch.api.request_spelling import normalized


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    fields: dict[str, Any] = case.body if isinstance(case.body, dict) else {}
    # Both may be given only if they are the same.
    names_two_runs = "Idempotency-Key" in case.headers and "run_id" in fields
    # The schema says one spelling; the API takes others, such as 2.0 for 2, which JSON Schema counts as an integer.
    is_spelled_otherwise = json.dumps(normalized(fields)) != json.dumps(fields)
    # The platform drops them before it calls the app.
    has_empty_parameters = any(value in ("", [""], [], {}) for value in case.query.values())
    # A token must come from a page of the same list.
    invents_a_token = "continuation" in case.query
    return not (names_two_runs or is_spelled_otherwise or has_empty_parameters or invents_a_token)


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """The example of an answer holds a token, which the generator sends as a parameter."""
    if case.query.get("continuation") in (openapi_examples.CONTINUATION, openapi_examples.HUB_CONTINUATION):
        del case.query["continuation"]
