"""Sends batches of operations to an entity as the host does, through the SDK's own handle."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import azure.durable_functions as df

Operation = tuple[str, Any]
"""Name and input; None as input stands for no input at all."""


@dataclass(frozen=True)
class Answer:
    """``state`` is None if the entity does not exist after the batch; a failed operation's result is its error."""

    state: Any
    results: list[Any]
    failed: list[bool]


Send = Callable[..., Answer]


def sender(bp: df.Blueprint, name: str) -> Send:
    """``send(*operations, state=...)`` runs them in one batch."""
    app = df.DFApp()
    app.register_functions(bp)
    functions = {each.get_trigger().entity_name: each for each in app.get_functions()}  # type: ignore[union-attr]
    handle = functions[name].get_user_function()

    def send(*operations: Operation, state: object = None) -> Answer:
        batch = [
            # The Python client sends JSON in a text, and nothing at all for an absent input.
            {
                "name": operation,
                "input": None if given is None else json.dumps(json.dumps(given)),
                "isSignal": False,
            }
            for operation, given in operations
        ]
        payload = {
            "self": {"name": name, "key": "k"},
            "exists": state is not None,
            "state": None if state is None else json.dumps(state),
            "batch": batch,
        }
        answer = json.loads(handle(json.dumps(payload)))
        return Answer(
            state=json.loads(answer["entityState"]) if answer["entityExists"] else None,
            results=[json.loads(result["result"]) for result in answer["results"]],
            failed=[result["isError"] for result in answer["results"]],
        )

    return send
