"""What the SDK's answer to an episode means."""

import json

from functions_host.durable.episode import Answer
from functions_host.durable.language_worker import InvocationError


def test_more_than_one_list_of_actions_is_an_error() -> None:
    answer = Answer.parse(json.dumps({"isDone": True, "actions": [[], []]}))
    assert answer.error is not None
    assert Answer.of_failure(InvocationError("E: x", "trace")).error == (
        "Result: Failure\nException: E: x\nStack: trace"
    )
