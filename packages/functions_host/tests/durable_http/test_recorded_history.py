"""The history in a status query has the fields and values of the extension's answers."""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from functions_host.durable.failures import state_in_failure
from functions_host.durable_http.status import history_payload
from packages.functions_host.tests.durable.recorded_runs import Invocation, RecordedRun, runs
from packages.functions_host.tests.recordings import differences, recording

ANSWERS = {answer["name"]: answer for answer in recording("answers")}


@pytest.mark.parametrize("instance_id", ["rec-done", "rec-waits", "rec-failed"])
@pytest.mark.parametrize(
    ("query", "show_output", "show_input"), [("history", False, True), ("history output", True, False)]
)
def test_a_history_is_shown_as_recorded(
    instance_id: str, query: str, show_output: bool, show_input: bool
) -> None:
    recorded = ANSWERS[f"get {query} {instance_id}"]["body"]["historyEvents"]
    input_text = ANSWERS[f"get history {instance_id}"]["body"]["historyEvents"][0]["Input"]

    stored = asyncio.run(RecordedRun(_run(instance_id)).play(input_text))
    shown = history_payload(stored, show_output, show_input)

    assert not differences(_same_names(recorded), _same_names(shown), {})


def test_a_failure_takes_the_zeros_from_the_times_of_the_custom_status() -> None:
    """The run writes them as ``.000Z``; in the recorded run that completed they stayed so."""
    recorded = {
        instance_id: ANSWERS[f"get {instance_id}"]["body"]["customStatus"]["identity"]["token_expires_at"]
        for instance_id in ("rec-done", "rec-failed")
    }
    assert [time[19:] for time in recorded.values()] == [".000Z", "Z"]

    failing = RecordedRun(runs()[0])
    asyncio.run(failing.play())

    assert failing.custom_status is not None
    assert json.loads(failing.custom_status)["identity"]["token_expires_at"] == "2026-11-26T13:26:07Z"


def _run(instance_id: str) -> list[Invocation]:
    """A recorded run with the same steps, and the results of this instance."""
    failing, checked, _ = runs()
    shown = ANSWERS[f"get history output {instance_id}"]["body"]["historyEvents"]
    results = [event["Result"] for event in shown if event["EventType"] == "TaskCompleted"]
    if instance_id == "rec-waits":
        until_it_waits = [each for each in checked if each.number <= _first_timer(checked)]
        return _with_results(until_it_waits, results)
    run = _with_results(failing, results)
    return _completing(run, shown[-1]["Result"]) if instance_id == "rec-done" else run


def _first_timer(run: Sequence[Invocation]) -> int:
    """The number of the episode that creates the first timer."""
    episodes = [each for each in run if each.kind == "orchestrationTrigger"]
    return next(each.number for each in episodes if '"fireAt"' in each.answer["value"])


def _with_results(run: Sequence[Invocation], results: Sequence[Any]) -> list[Invocation]:
    left = iter(results)
    return [
        replace(each, answer={"type": "json", "value": json.dumps(next(left))})
        if each.kind == "activityTrigger"
        else each
        for each in run
    ]


def _completing(run: Sequence[Invocation], output: Any) -> list[Invocation]:
    def ended(each: Invocation) -> Invocation:
        state = state_in_failure(each.answer["value"]) if each.answer["type"] == "error" else None
        if state is None:
            return each
        completed = {"isDone": True, "actions": json.loads(state)["actions"], "output": output}
        return replace(each, answer={"type": "json", "value": json.dumps(completed)})

    return [ended(each) for each in run]


def _same_names(events: Sequence[Any]) -> Any:
    text = re.sub(r"batchjob-[0-9a-f-]{36}", "JOB", json.dumps(events))
    return json.loads(re.sub(r"(rec|run)-(done|waits|failed|checks)", "RUN", text))
