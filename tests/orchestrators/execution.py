"""Plays the host for one execution of an orchestration: keeps its history, and asks the SDK what comes next.

The history is what the Durable extension would hand over: event kinds by number, decisions numbered in the
order in which the SDK gives them out, one episode for each event that arrives. Timers fire as early as they can.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from batch.durable_timer import MOST_EARLY
from batch.run.reason import read_reason
from batch.timestamps import parse_timestamp
from functions_host.worker.redaction import without_credentials

Handle = Callable[[str], str]

ACTIVITY, CONTINUE_AS_NEW, TIMER, EXTERNAL_EVENT, SIGNAL, ANY = 0, 4, 5, 6, 9, 11
STARTED, SCHEDULED, COMPLETED, FAILED = 0, 4, 5, 6
TIMER_CREATED, TIMER_FIRED, EPISODE, EPISODE_ENDED, SENT, RAISED = 10, 11, 12, 13, 14, 15
_FAILURE_LABEL = "\n\n$OutOfProcData$:"


@dataclass(frozen=True)
class Answer:
    """What the orchestrator said at the end of an episode; ``actions`` are all since the execution began."""

    actions: list[dict[str, Any]]
    done: bool
    output: Any
    error: str | None
    custom_status: dict[str, Any] | None
    code: str | None = None
    """The error code with which it failed."""

    @classmethod
    def of(cls, handle: Handle, trigger_input: str) -> "Answer":
        try:
            text = handle(trigger_input)
        except Exception as error:
            message, label, text = str(error).rpartition(_FAILURE_LABEL)
            if not label:
                raise
            # What the Functions host would hide in it could leave a text that the extension cannot read.
            assert without_credentials(str(error)) == str(error)
            assert json.loads(text)["error"] == message
        state = json.loads(text)
        [actions] = state["actions"]
        return cls(
            actions, state["isDone"], state.get("output"), state.get("error"), state.get("customStatus")
        )

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """Activities, timers and signals: what the host numbers and writes into the history."""
        return [action for action in _flat(self.actions) if action["actionType"] in (ACTIVITY, TIMER, SIGNAL)]

    @property
    def gives_way_to(self) -> Any:
        """What the next execution is given, or None if this one goes on or has ended."""
        last = self.actions[-1] if self.actions else {}
        return last["input"] if self.done and last.get("actionType") == CONTINUE_AS_NEW else None

    @property
    def continued_with(self) -> Any:
        """As ``gives_way_to``, but None if the next execution only tells how this one failed."""
        return None if self.error else self.gives_way_to

    @property
    def ended(self) -> bool:
        return self.error is not None or (self.done and self.continued_with is None)

    @property
    def activity(self) -> tuple[str, Any]:
        """Name and input of the activity that it waits for."""
        last = self.actions[-1]
        assert last["actionType"] == ACTIVITY, f"waits for {last}"
        return last["functionName"], json.loads(last["input"])

    @property
    def waits(self) -> bool:
        """For a timer or a nudge."""
        return not self.done and self.actions[-1]["actionType"] == ANY


A = TypeVar("A", bound=Answer)


class Execution:
    """``given`` is the trigger's JSON value: a text from the Python client, an object from plain HTTP."""

    def __init__(self, handle: Handle, given: Any, at: datetime, instance_id: str = "r-1") -> None:
        self._handle = handle
        self._given = given
        self.instance_id = instance_id
        self.now = at
        self.history: list[dict[str, Any]] = []
        started = {"Name": "batch_run", "Version": "", "Input": json.dumps(given)}
        self.answer = self._play(STARTED, **started)

    def complete(self, result: Any, after: float = 1.0) -> Answer:
        number = self._last(ACTIVITY)
        return self._arrive(after, COMPLETED, TaskScheduledId=number, Result=json.dumps(result))

    def fail(self, reason: str, after: float = 1.0) -> Answer:
        return self._arrive(after, FAILED, TaskScheduledId=self._last(ACTIVITY), Reason=reason, Details="{}")

    def fire(self, late: float = 0.0) -> Answer:
        """Lets the timer expire that was created last, ``late`` seconds after ``timer_at``."""
        waits = max(0.0, (self.timer_at - self.now).total_seconds() + late)
        return self._arrive(waits, TIMER_FIRED, TimerId=self._last(TIMER), FireAt=_ticks(self._asked_for))

    def nudge(self, after: float = 1.0, name: str = "nudge", payload: Any = "null") -> Answer:
        return self._arrive(after, RAISED, Name=name, Input=json.dumps(payload))

    @property
    def timer_at(self) -> datetime:
        """The earliest moment at which the timer that was created last can fire: a second before its time."""
        return self._asked_for - MOST_EARLY

    @property
    def _asked_for(self) -> datetime:
        moment = parse_timestamp(self.answer.decisions[self._last(TIMER)]["fireAt"])
        assert moment is not None
        return moment

    @property
    def trigger_input(self) -> str:
        return json.dumps(
            {
                "history": self.history,
                "input": self._given,
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

    def next(self) -> "Execution":
        """The execution that follows by continue-as-new."""
        given = self.answer.continued_with
        assert given is not None, f"goes on: {self.answer}"
        return Execution(self._handle, given, self.now, self.instance_id)

    def _arrive(self, after: float, kind: int, **fields: Any) -> Answer:
        self.now += timedelta(seconds=after)
        self.answer = self._play(kind, **fields)
        return self.answer

    def _play(self, kind: int, **fields: Any) -> Answer:
        for event in self.history:
            event["IsPlayed"] = True
        self._append(EPISODE)
        self._append(kind, **fields)
        answer = self._with_failure(Answer.of(self._handle, self.trigger_input))
        written = sum(event["EventType"] in (SCHEDULED, TIMER_CREATED, SENT) for event in self.history)
        for number, decision in enumerate(answer.decisions[written:], start=written):
            self._write(number, decision)
        self._append(EPISODE_ENDED)
        return answer

    def _with_failure(self, answer: A) -> A:
        """One that fails gives way to an execution that only raises: the two are shown as one."""
        given = answer.gives_way_to
        if given is None or "failure" not in json.loads(given):
            return answer
        raises = Execution(self._handle, given, self.now, self.instance_id).answer
        assert (raises.actions, raises.custom_status) == ([], None)
        reason = read_reason(raises.error)
        return replace(answer, error=reason.message, code=reason.code.value)

    def _write(self, number: int, decision: dict[str, Any]) -> None:
        if decision["actionType"] == ACTIVITY:
            given = json.dumps([decision["input"]])
            self._append(SCHEDULED, number, Name=decision["functionName"], Input=given)
        elif decision["actionType"] == TIMER:
            self._append(TIMER_CREATED, number, FireAt=decision["fireAt"])
        else:
            message = {"op": decision["operation"], "signal": True, "id": f"signal-{number}"}
            sent = {"InstanceId": decision["instanceId"], "Name": "op", "Input": json.dumps(message)}
            self._append(SENT, number, **sent)

    def _append(self, kind: int, event_id: int = -1, **fields: Any) -> None:
        stamp = {"EventType": kind, "EventId": event_id, "IsPlayed": False, "Timestamp": _ticks(self.now)}
        self.history.append({**stamp, **fields})

    def _last(self, action_type: int) -> int:
        numbers = [n for n, action in enumerate(self.answer.decisions) if action["actionType"] == action_type]
        return numbers[-1]


def _flat(actions: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for action in actions:
        if "compoundActions" in action:
            yield from _flat(action["compoundActions"])
        else:
            yield action


def _ticks(moment: datetime) -> str:
    """Seven fraction digits, as .NET writes them."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0Z"
