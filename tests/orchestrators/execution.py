"""Plays the Durable extension for one execution of any orchestrator, through the SDK's own replay.

An ``Execution`` keeps the history, and asks the SDK what comes next: one episode for each event that arrives. A timer
fires as early as it can. Inputs and answers are JSON, so one harness serves all orchestrators. It asserts what holds
for each of them: a replay repeats all decisions, no timer is left at the end, and the Functions host leaves the text
of a failure as it is. The steps of a run that has ended, which do not change its outcome, are answered at once.
"""

import json
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from batch.durable_timer import MAX_EARLY
from batch.names import EXPLAIN_JOB, LOCATE_OUTPUTS, RECORD_END
from batch.run.reason import read_reason
from batch.timestamps import parse_timestamp
from functions_host.worker.redaction import without_credentials
from local.host_process import ROOT
from tests.orchestrators.history import (
    COMPLETED,
    FAILED,
    RAISED,
    STARTED,
    TIMER_FIRED,
    History,
    request_id,
    ticks,
)

Handle = Callable[[str], str]
"""An orchestrator as the worker calls it: from the JSON of a context to the JSON of an answer."""

ACTIVITY, RETRIED_ACTIVITY, CONTINUE_AS_NEW, TIMER, EXTERNAL_EVENT = 0, 1, 4, 5, 6
ENTITY_CALL, SIGNAL, ANY, ALL = 7, 9, 11, 12
"""Types of actions, by the numbers of the SDK."""

_NUMBERED = (ACTIVITY, RETRIED_ACTIVITY, TIMER, ENTITY_CALL, SIGNAL)
_UNNUMBERED = (CONTINUE_AS_NEW, EXTERNAL_EVENT)
_CALLS = (ACTIVITY, RETRIED_ACTIVITY, ENTITY_CALL)
_FAILURE_LABEL = "\n\n$OutOfProcData$:"
THIS_VERSION = json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]["defaultVersion"]
_ANSWERED_AT_ONCE = {
    EXPLAIN_JOB: {"nothing_known": True},
    LOCATE_OUTPUTS: {"nothing_known": True},
    RECORD_END: {"recorded": True},
}
"""What the steps of a run that has ended answer, unless the test answers them itself."""
_FAILURE_KEY = "failure"
"""In the input of an execution that only raises."""


def handle_of(blueprint: df.Blueprint, orchestration: str) -> Handle:
    """The only orchestrator of ``blueprint``, with the SDK around it."""
    app = df.DFApp()
    app.register_functions(blueprint)
    [function] = app.get_functions()
    assert function.get_trigger().orchestration == orchestration  # type: ignore[union-attr]
    handle: Handle = function.get_user_function()
    return handle


@dataclass(frozen=True)
class Answer:
    """What the orchestrator answers at the end of an episode; ``actions`` are all since the execution began."""

    actions: list[dict[str, Any]]
    done: bool
    output: Any
    error: str | None
    custom_status: dict[str, Any] | None
    code: str | None = None
    """The error code, where an execution of its own raises ``error``."""

    @classmethod
    def of(cls, handle: Handle, trigger_input: str) -> "Answer":
        """Asserts that the Functions host changes nothing in the text of a failure."""
        try:
            text = _call(handle, trigger_input)
        except Exception as error:
            message, label, text = str(error).rpartition(_FAILURE_LABEL)
            if not label:
                raise
            # The text holds this answer as JSON, which the extension cannot read after a cut.
            assert without_credentials(str(error)) == str(error)
            assert json.loads(text)["error"] == message
        state = json.loads(text)
        [actions] = state["actions"]
        return cls(
            actions, state["isDone"], state.get("output"), state.get("error"), state.get("customStatus")
        )

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """Activities, timers, entity calls and signals: what the host numbers and writes into the history."""
        decisions = []
        for action in _flat(self.actions):
            if action["actionType"] in _NUMBERED:
                decisions.append(action)
            else:
                assert action["actionType"] in _UNNUMBERED, f"unknown to this host: {action}"
        return decisions

    @property
    def next_input(self) -> Any:
        """The input of the next execution, or None while this one goes on and if it is the last."""
        last = self.actions[-1] if self.actions else {}
        return last["input"] if self.done and last.get("actionType") == CONTINUE_AS_NEW else None

    @property
    def continued_with(self) -> Any:
        """As ``next_input``, but None if the next execution only raises the failure of this one."""
        return None if self.error else self.next_input

    @property
    def over(self) -> bool:
        """The execution takes no further event."""
        return self.done or self.error is not None

    @property
    def ended(self) -> bool:
        """No execution follows, except one that only raises the failure of this one."""
        return self.error is not None or (self.done and self.continued_with is None)

    @property
    def activity(self) -> tuple[str, Any]:
        """Name and input of the activity without retries that the orchestrator waits for."""
        activity = self._waits_for(ACTIVITY)
        return activity["functionName"], json.loads(activity["input"])

    @property
    def retried_activity(self) -> tuple[str, Any]:
        """As ``activity``, but of an activity with retries."""
        [activity] = self._waits_for(ALL)["compoundActions"]
        assert activity["actionType"] == RETRIED_ACTIVITY
        return activity["functionName"], json.loads(activity["input"])

    @property
    def entity_call(self) -> tuple[str, str, Any]:
        """Entity, operation and input of the call that the orchestrator waits for."""
        call = self._waits_for(ENTITY_CALL)
        return call["instanceId"], call["operation"], json.loads(call["input"])

    @property
    def waits(self) -> bool:
        """For a timer or an external event, whichever comes first."""
        return not self.done and self.actions[-1]["actionType"] == ANY

    def _waits_for(self, action_type: int) -> dict[str, Any]:
        last = self.actions[-1]
        assert last["actionType"] == action_type, f"waits for {last}"
        return last


@dataclass(frozen=True)
class _Task:
    """A decision without an answer. ``retries`` is the attempt that follows this timer, which the host created."""

    action: dict[str, Any]
    attempt: int = 1
    retries: "_Task | None" = None

    @property
    def type(self) -> Any:
        return self.action["actionType"]

    @property
    def fires_at(self) -> datetime:
        moment = parse_timestamp(self.action["fireAt"])
        assert moment is not None
        return moment

    def timer_after_failure(self, at: datetime) -> "_Task | None":
        """None for an activity without retries.

        durable-functions behaviour: a timer follows the last attempt, too, and the SDK waits for it.
        """
        options = self.action.get("retryOptions")
        if options is None:
            return None
        if self.attempt >= options["maxNumberOfAttempts"]:
            return _Task({"actionType": TIMER, "fireAt": ticks(at)})
        pause = timedelta(milliseconds=options["firstRetryIntervalInMilliseconds"])
        timer = {"actionType": TIMER, "fireAt": ticks(at + pause)}
        return _Task(timer, retries=replace(self, attempt=self.attempt + 1))


class Execution:
    """``given`` is the trigger's JSON value: a text from the Python client, an object from plain HTTP.

    ``now`` is the time of the last event. A test may set it to a later time: then a timer that is due fires late.
    ``version`` is that of the app that started the instance. ``recorded`` is the input of the step that records the
    end. ``waits_at`` names the steps of a run that has ended which the test answers itself.
    """

    def __init__(
        self,
        handle: Handle,
        given: Any,
        at: datetime,
        instance_id: str = "r-1",
        *,
        version: str = THIS_VERSION,
        waits_at: Collection[str] = (),
    ) -> None:
        self._handle = handle
        self.given = given
        self.instance_id = instance_id
        self.version = version
        self.now = at
        self.recorded: Any = None
        self._waits_at = waits_at
        self._history = History()
        self._decided: list[tuple[int, dict[str, Any]]] = []
        self._open: dict[int, _Task] = {}
        self.answer = self._play(STARTED, Name="orchestrator", Version=version, Input=json.dumps(given))

    def complete(self, result: Any, after: float = 1.0) -> Answer:
        """The newest open activity or entity call answers ``result``."""
        number, task = self._take(*_CALLS)
        if task.type == ENTITY_CALL:
            return self._entity_answers(number, after, result=json.dumps(result))
        return self._arrive(after, COMPLETED, TaskScheduledId=number, Result=json.dumps(result))

    def fail(self, reason: str, after: float = 1.0) -> Answer:
        """The newest open activity or entity call fails. A timer follows if the activity has attempts left."""
        number, task = self._take(*_CALLS)
        if task.type == ENTITY_CALL:
            return self._entity_answers(number, after, result=json.dumps(reason), exceptionType="Error")
        timer = task.timer_after_failure(self.now + timedelta(seconds=after))
        return self._arrive(after, FAILED, timer, TaskScheduledId=number, Reason=reason, Details="{}")

    def fire(self, late: float = 0.0) -> Answer:
        """The newest open timer fires, ``late`` seconds after ``timer_at``, but not before ``now``."""
        waits = max(0.0, (self.timer_at - self.now).total_seconds() + late)
        number, timer = self._take(TIMER)
        return self._arrive(waits, TIMER_FIRED, timer.retries, TimerId=number, FireAt=ticks(timer.fires_at))

    def nudge(self, after: float = 1.0, name: str = "nudge", payload: Any = "null") -> Answer:
        """An external event arrives."""
        return self._arrive(after, RAISED, Name=name, Input=json.dumps(payload))

    def next(self) -> "Execution":
        """The execution that follows by continue-as-new."""
        given = self.answer.continued_with
        assert given is not None, f"goes on: {self.answer}"
        return Execution(self._handle, given, self.now, self.instance_id, version=self.version)

    @property
    def timer_at(self) -> datetime:
        """The earliest moment at which the newest open timer can fire: a second before what it was asked for."""
        return self.timer_asked_for - MAX_EARLY

    @property
    def timer_asked_for(self) -> datetime:
        return self._open[self._newest(TIMER)].fires_at

    @property
    def history(self) -> list[dict[str, Any]]:
        return self._history.events

    @property
    def trigger_input(self) -> str:
        return json.dumps(
            {
                "history": self.history,
                "input": self.given,
                "instanceId": self.instance_id,
                "isReplaying": self.history[1]["IsPlayed"],
                "parentInstanceId": None,
                "upperSchemaVersion": 1,
                "upperSchemaVersionNew": 2,
                "longRunningTimerIntervalDuration": "3.00:00:00",
                "maximumShortTimerDuration": "6.00:00:00",
                "defaultHttpAsyncRequestSleepTimeMillseconds": 30_000,
            }
        )

    def _newest(self, *action_types: int) -> int:
        numbers = [number for number, task in self._open.items() if task.type in action_types]
        assert numbers, f"nothing of the kind is open: {self.answer}"
        return numbers[-1]

    def _take(self, *action_types: int) -> tuple[int, _Task]:
        number = self._newest(*action_types)
        return number, self._open.pop(number)

    def _entity_answers(self, number: int, after: float, **message: str) -> Answer:
        return self._arrive(after, RAISED, Name=request_id(number), Input=json.dumps(message))

    def _arrive(self, after: float, kind: int, then: _Task | None = None, **fields: Any) -> Answer:
        assert not self.answer.over, f"takes no further event: {self.answer}"
        self.now += timedelta(seconds=after)
        self.answer = self._play(kind, then, **fields)
        return self.answer

    def _play(self, kind: int, then: _Task | None = None, **fields: Any) -> Answer:
        """One episode. ``then`` is what the host schedules by itself for an activity with retries."""
        self._history.begin_episode(self.now)
        self._history.add(kind, **fields)
        answer = Answer.of(self._handle, self.trigger_input)
        self._carry_out(answer)
        if then and not answer.over:
            self._schedule(then)
        self._history.end_episode()
        return self._with_failure(self._after_the_end(answer))

    def _carry_out(self, answer: Answer) -> None:
        """Writes new decisions. Earlier ones must be the same as before, except that a timer may be canceled now."""
        decisions = answer.decisions
        repeated, new = decisions[: len(self._decided)], decisions[len(self._decided) :]
        for (number, before), again in zip(self._decided, repeated, strict=True):
            assert _uncanceled(again) == _uncanceled(before), "the replay is not deterministic"
            if again.get("isCanceled"):
                self._open.pop(number, None)
        self._decided += [(self._schedule(_Task(decision)), decision) for decision in new]
        if answer.done:
            left = [task for task in self._open.values() if task.type == TIMER]
            assert not left, f"the instance goes on until these timers fire: {left}"

    def _schedule(self, task: _Task) -> int:
        """The number of its event in the history."""
        action = task.action
        if task.type == TIMER:
            number = self._history.add_timer(task.fires_at)
        elif task.type in (ENTITY_CALL, SIGNAL):
            number = self._history.add_message(action, signal=task.type == SIGNAL)
        else:
            number = self._history.add_activity(action)
        if task.type != SIGNAL and not action.get("isCanceled"):
            self._open[number] = task
        return number

    def _after_the_end(self, answer: Answer) -> Answer:
        last = answer.actions[-1] if answer.actions else {}
        name = last.get("functionName")
        if answer.over or name not in _ANSWERED_AT_ONCE:
            return answer
        [(number, task)] = [(number, task) for number, task in self._open.items() if task.action == last]
        if name == RECORD_END:
            self.recorded = json.loads(task.action["input"])
        if name in self._waits_at:
            return answer
        del self._open[number]
        result = json.dumps(_ANSWERED_AT_ONCE[name])
        return self._play(COMPLETED, TaskScheduledId=number, Result=result)

    def _with_failure(self, answer: Answer) -> Answer:
        """A failure takes two executions, and the second only raises: this shows the two as one."""
        given = answer.next_input
        if given is None or _FAILURE_KEY not in json.loads(given):
            return answer
        raises = Execution(self._handle, given, self.now, self.instance_id).answer
        assert (raises.actions, raises.custom_status) == ([], None)
        reason = read_reason(raises.error)
        return replace(answer, error=reason.message, code=reason.code)


def _call(handle: Handle, trigger_input: str) -> str:
    with warnings.catch_warnings():
        # The SDK warns about its own untyped payloads, and about an event that nobody waits for yet.
        warnings.filterwarnings("ignore", "azure.functions df_loads was called", DeprecationWarning)
        warnings.filterwarnings("ignore", "Potential duplicate Task completion", UserWarning)
        return handle(trigger_input)


def _flat(actions: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for action in actions:
        if "compoundActions" in action:
            yield from _flat(action["compoundActions"])
        else:
            yield action


def _uncanceled(action: dict[str, Any]) -> dict[str, Any]:
    return {**action, "isCanceled": None}
