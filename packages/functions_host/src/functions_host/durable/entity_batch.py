"""One batch of operations on an entity: the message to the SDK, and its answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions_host.durable.decisions import EntityId
from functions_host.durable.events import extension_type
from functions_host.durable.states import EntityState
from functions_host.durable.store.entity_tables import Operation

MAX_BATCH_OPERATIONS = 5000
_ERROR = "Error"


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """``answers`` are the messages for the callers, one per operation.

    ``state`` is the new state of the entity, None if it does not exist.
    """

    answers: Sequence[Mapping[str, str]]
    state: str | None
    signals: Sequence[tuple[EntityId, Operation]] = ()


def batch_json(entity: EntityId, state: EntityState | None, operations: Sequence[Operation]) -> str:
    return json.dumps(
        {
            "self": {"name": entity.name, "key": entity.key},
            "exists": state is not None and state.exists,
            "state": state.state if state else None,
            "batch": [
                {
                    "name": each.name,
                    "input": each.input,
                    "isSignal": each.caller is None,
                    "id": each.request_id,
                }
                for each in operations
            ],
        }
    )


def parse_outcome(answer_json: str) -> BatchOutcome:
    answer = json.loads(answer_json)
    return BatchOutcome(
        answers=[
            _answer(each["result"], {"exceptionType": _ERROR} if each["isError"] else {})
            for each in answer["results"]
        ],
        state=answer["entityState"] if answer["entityExists"] else None,
        signals=[
            (
                EntityId(signal["target"]["name"].lower(), signal["target"]["key"]),
                Operation(signal["name"], signal.get("input")),
            )
            for signal in answer["signals"]
        ],
    )


def failed_outcome(message: str, operations: Sequence[Operation], state: EntityState | None) -> BatchOutcome:
    """The batch did not run: every caller gets the error, the state is unchanged."""
    return BatchOutcome(
        answers=[_answer(json.dumps(message), {"exceptionType": _ERROR}) for _ in operations],
        state=state.state if state else None,
    )


def _answer(result: str, failure: Mapping[str, str]) -> Mapping[str, str]:
    return {"$type": extension_type("ResponseMessage"), "result": result, **failure}
