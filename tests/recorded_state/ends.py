"""What differs between this version and those before 1.2 where a run ends or is canceled, taken out of their answers.

Before, the last episode of a run released the owner of its job; now a step records the end first. And the input of
``cancel_job`` names the run.
"""

import json
from typing import Any

from batch.names import CANCEL_JOB, RECORD_END
from tests.orchestrators.execution import SIGNAL, Answer, Handle
from tests.orchestrators.history import COMPLETED, EPISODE, EPISODE_ENDED, SCHEDULED


def past_the_record(handle: Handle) -> Handle:
    """``handle``, whose runs have recorded their end: where it would ask for that step, it gets the answer."""

    def called(context: str) -> str:
        text = handle(context)
        answer = json.loads(text)
        [actions] = answer["actions"]
        if answer["isDone"] or not actions or actions[-1].get("functionName") != RECORD_END:
            return text
        number = len(Answer.of(handle, context).decisions) - 1
        return handle(_with_end_recorded(context, number, actions[-1]["input"]))

    return called


def without_differences(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer of either version, as JSON."""
    [actions] = answer["actions"]
    return {**answer, "actions": [common_actions(actions)]}


def common_actions(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the actions of either version, those that both ask for."""
    return [_common(action) for action in actions if not _is_new_or_gone(action)]


def _with_end_recorded(context: str, number: int, given: str) -> str:
    invocation: dict[str, Any] = json.loads(context)
    history = invocation["history"]
    now = max(event["Timestamp"] for event in history if event["EventType"] == EPISODE)
    for event in history:
        event["IsPlayed"] = True
    common = {"IsPlayed": False, "Timestamp": now}
    history += [
        {
            "EventType": SCHEDULED,
            "EventId": number,
            "Name": RECORD_END,
            "Input": json.dumps([given]),
            **common,
        },
        {"EventType": EPISODE_ENDED, "EventId": -1, **common},
        {"EventType": EPISODE, "EventId": -1, **common},
        {
            "EventType": COMPLETED,
            "EventId": -1,
            "TaskScheduledId": number,
            "Result": json.dumps({"recorded": True}),
            **common,
        },
    ]
    return json.dumps({**invocation, "isReplaying": True})


def _is_new_or_gone(action: dict[str, Any]) -> bool:
    released = action["actionType"] == SIGNAL and action["operation"] == "release"
    return released or action.get("functionName") == RECORD_END


def _common(action: dict[str, Any]) -> dict[str, Any]:
    if action.get("functionName") != CANCEL_JOB:
        return action
    given = {name: value for name, value in json.loads(action["input"]).items() if name != "run_id"}
    return {**action, "input": json.dumps(given)}
