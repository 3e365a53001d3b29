"""A deployment finds runs in the middle of an execution: this version continues what an earlier version began.

The earlier version ran on the real extension when its invocations were recorded. Each test gives a recorded context
to this version's orchestrator, and compares its answer with the recorded answer.
"""

import json
from typing import Any

import pytest

from batch.durable_timer import MAX_EARLY
from batch.run.state import Run
from batch.timestamps import parse_timestamp
from packages.functions_host.tests.recordings import recording
from tests.orchestrators.execution import CONTINUE_AS_NEW, TIMER, Answer, Handle
from tests.recorded_state.ends import common_actions, past_the_record
from tests.recorded_state.plain import plain

VERSION = "1.0"
"""Of the recorded app."""
RECORDED = [
    pytest.param(record, id=str(number))
    for number, record in enumerate(recording("invocations"))
    if record["name"] == "batch_run"
]


@pytest.mark.parametrize("record", RECORDED)
def test_it_asks_for_the_same_actions(handle: Handle, record: dict[str, Any]) -> None:
    before = _answer_of_that_version(record)
    now = Answer.of(past_the_record(handle), record["data"])

    asked, asked_before = _until_the_end(now), _until_the_end(before)
    assert [_without_time(action) for action in asked] == [_without_time(action) for action in asked_before]
    assert plain(now.custom_status, VERSION) == plain(before.custom_status, VERSION)
    timers = zip(_timers(asked), _timers(asked_before), strict=True)
    assert all(timer - timer_before == MAX_EARLY for timer, timer_before in timers)


@pytest.mark.parametrize("record", RECORDED)
def test_it_ends_in_the_same_way(handle: Handle, record: dict[str, Any]) -> None:
    before = _answer_of_that_version(record)
    now = Answer.of(past_the_record(handle), record["data"])

    assert (now.done, now.output) == (before.done or before.error is not None, before.output)
    if before.error is not None:
        assert Run.from_json(json.loads(now.next_input)).failure.message == _without_link(before.error)
    elif before.next_input is not None:
        carried, carried_before = (Run.from_json(json.loads(each.next_input)) for each in (now, before))
        comparable = carried.waited(carried_before.step_due_at or carried.started_at, timer_fired=False)
        assert _without_later_fields(comparable) == carried_before


def _answer_of_that_version(record: dict[str, Any]) -> Answer:
    def recorded(_: str) -> str:
        if record["answer"]["type"] == "error":
            # The recorded text begins with the name of the exception's base.
            raise RuntimeError(record["answer"]["value"].removeprefix("Exception: "))
        return str(record["answer"]["value"])

    return Answer.of(recorded, record["data"])


def _until_the_end(answer: Answer) -> list[dict[str, Any]]:
    actions = [action for action in answer.actions if action["actionType"] != CONTINUE_AS_NEW]
    return common_actions(actions)


def _without_link(message: str) -> str:
    """Versions before 1.4 repeated the address of the job's page in the message."""
    return message.partition(" Its logs are in Azure ML Studio")[0]


def _without_later_fields(run: Run) -> Run:
    """Without what the recorded version did not keep."""
    cancellation = run.cancellation and run.cancellation.model_copy(update={"gives_up_at": None})
    later: dict[str, Any] = {"timer_fired_for": None, "stalled_since": None, "cancellation": cancellation}
    return run.model_copy(update=later)


def _without_time(action: dict[str, Any]) -> dict[str, Any]:
    inner = [_without_time(each) for each in action.get("compoundActions", [])]
    rest = {name: value for name, value in action.items() if name not in ("fireAt", "compoundActions")}
    return {**plain(rest, VERSION), "inner": inner}


def _timers(actions: list[dict[str, Any]]) -> list[Any]:
    found = []
    for action in actions:
        if action["actionType"] == TIMER:
            found.append(parse_timestamp(action["fireAt"]))
        found += _timers(action.get("compoundActions", []))
    return found
