"""Rules of the API and its platform that a schema cannot express; generated requests follow them."""

from typing import Any

import schemathesis

from batch.api import openapi_examples

_WHOLE_NUMBERS = ("poll_interval", "queue_timeout", "timeout", "cancel_timeout", "job_attempts")


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    fields: dict[str, Any] = case.body if isinstance(case.body, dict) else {}
    # Both may be given only if they are the same.
    names_two_runs = "Idempotency-Key" in case.headers and "run_id" in fields
    # JSON Schema counts 2.0 as an integer; the API accepts 2 only.
    writes_a_fraction = any(isinstance(fields.get(name), float) for name in _WHOLE_NUMBERS)
    # The platform drops them before it calls the app.
    has_empty_parameters = any(value in ("", [""], [], {}) for value in case.query.values())
    # A token must come from a page of the same list.
    invents_a_token = "continuation" in case.query
    return not (names_two_runs or writes_a_fraction or has_empty_parameters or invents_a_token)


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """The example of an answer holds a token, which the generator sends as a parameter."""
    if case.query.get("continuation") in (openapi_examples.CONTINUATION, openapi_examples.HUB_CONTINUATION):
        del case.query["continuation"]
