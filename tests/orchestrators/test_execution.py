"""The harness finds what the Durable extension would not accept, and retries as the extension does."""

import json
from collections.abc import Callable, Generator
from datetime import timedelta
from itertools import count
from typing import Any

import azure.durable_functions as df
import pytest

from tests.batch.builders import START, after
from tests.orchestrators.execution import Execution

Steps = Generator[Any, Any, Any]
ATTEMPTS = df.RetryOptions(first_retry_interval_in_milliseconds=5_000, max_number_of_attempts=3)


def execution(orchestrator: Callable[[df.DurableOrchestrationContext], Steps]) -> Execution:
    return Execution(df.Orchestrator.create(orchestrator), {}, START)


def retries_and_signals(context: df.DurableOrchestrationContext) -> Steps:
    try:
        answer = yield context.call_activity_with_retry("a", ATTEMPTS, {})
    except Exception as error:
        answer = str(error)
    context.signal_entity(df.EntityId("e", "1"), "told", answer)
    return (yield context.call_entity(df.EntityId("e", "1"), "get"))


def test_each_failed_attempt_is_followed_by_a_timer_and_only_the_last_fails_the_activity() -> None:
    run = execution(retries_and_signals)
    for seconds in (5, 5, 0):
        assert run.answer.retried_activity == ("a", {})
        run.fail("boom")
        assert run.timer_asked_for == run.now + timedelta(seconds=seconds)
        run.fire()
    assert json.loads(run.answer.actions[-2]["input"]).startswith("boom")
    assert run.answer.entity_call == ("@e@1", "get", None)
    assert run.complete({"n": 1}).output == {"n": 1}


def test_an_attempt_that_succeeds_completes_the_activity() -> None:
    run = execution(retries_and_signals)
    run.fail("boom")
    run.fire()
    assert run.complete("good").entity_call[1] == "get"
    assert json.loads(run.answer.actions[-2]["input"]) == "good"


def test_a_failed_entity_call_raises_its_text() -> None:
    def calls(context: df.DurableOrchestrationContext) -> Steps:
        yield context.call_entity(df.EntityId("e", "1"), "get")

    assert execution(calls).fail("not there").error == "not there"


def test_a_timer_that_is_left_at_the_end_is_found() -> None:
    def leaves_a_timer(context: df.DurableOrchestrationContext) -> Steps:
        timer = context.create_timer(after(60))
        yield context.task_any([timer, context.wait_for_external_event("nudge")])

    with pytest.raises(AssertionError, match="goes on until these timers fire"):
        execution(leaves_a_timer).nudge()


def test_a_replay_that_decides_something_else_is_found() -> None:
    numbers = count()

    def differs(context: df.DurableOrchestrationContext) -> Steps:
        yield context.call_activity("a", next(numbers))
        yield context.call_activity("b", None)

    with pytest.raises(AssertionError, match="not deterministic"):
        execution(differs).complete(None)


def test_a_failure_with_a_text_that_the_host_cuts_is_found() -> None:
    def fails(context: df.DurableOrchestrationContext) -> Steps:
        yield context.call_activity("a", None)
        raise ValueError("no such folder: key=1/")

    with pytest.raises(AssertionError):
        execution(fails).complete(None)


def test_an_execution_that_is_over_takes_no_event() -> None:
    run = execution(retries_and_signals)
    run.complete("good")
    run.complete({})
    with pytest.raises(AssertionError, match="takes no further event"):
        run.nudge()
