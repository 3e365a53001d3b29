"""Rules of the API and its platform that a schema has no words for; generated requests keep to them."""

from typing import Any

import schemathesis

from batch.api import openapi_examples

_WHOLE_NUMBERS = ("poll_interval", "queue_timeout", "timeout")


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    fields: dict[str, Any] = case.body if isinstance(case.body, dict) else {}
    # Both may be given only if they are the same.
    names_two_runs = "Idempotency-Key" in case.headers and "run_id" in fields
    # To JSON Schema 2.0 is an integer; the API takes 2 only.
    writes_a_fraction = any(isinstance(fields.get(name), float) for name in _WHOLE_NUMBERS)
    # The platform drops them before the app is asked.
    has_empty_parameters = any(value in ("", [""]) for value in case.query.values())
    # A token must come from a page of this very list.
    invents_a_token = "continuation" in case.query
    return not (names_two_runs or writes_a_fraction or has_empty_parameters or invents_a_token)


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """The example of an answer holds a token, too, and it is taken for one to ask with."""
    if case.query.get("continuation") == openapi_examples.CONTINUATION:
        del case.query["continuation"]
