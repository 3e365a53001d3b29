"""Plays the host for the orchestration of one blob, which calls an entity, and an activity with retries."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from batch.new_data.upload import FolderUpload
from batch.timestamps import parse_timestamp
from tests.orchestrators.execution import (
    CONTINUE_AS_NEW,
    EPISODE,
    EPISODE_ENDED,
    FAILED,
    RAISED,
    SCHEDULED,
    SENT,
    TIMER,
    TIMER_CREATED,
    TIMER_FIRED,
    Answer,
    Execution,
    Handle,
)

RETRIED_ACTIVITY, ENTITY_CALL, ALL = 1, 7, 12


@dataclass(frozen=True)
class WindowAnswer(Answer):
    @property
    def decisions(self) -> list[dict[str, Any]]:
        """One for each step: an entity call, a timer, or an activity, taken out of its wrapper."""
        return [
            action["compoundActions"][0] if "compoundActions" in action else action
            for action in self.actions
            if action["actionType"] != CONTINUE_AS_NEW
        ]

    @property
    def entity_call(self) -> tuple[str, str, Any]:
        """Entity, operation and input of the call that it waits for."""
        last = self.actions[-1]
        assert last["actionType"] == ENTITY_CALL, f"waits for {last}"
        return last["instanceId"], last["operation"], json.loads(last["input"])

    @property
    def retried_activity(self) -> tuple[str, Any]:
        last = self.actions[-1]
        assert last["actionType"] == ALL, f"waits for {last}"
        [activity] = last["compoundActions"]
        assert activity["actionType"] == RETRIED_ACTIVITY
        return activity["functionName"], json.loads(activity["input"])


class WindowExecution(Execution):
    """``complete`` and ``fail`` answer the activity, ``answered`` and ``refused`` the entity call."""

    answer: WindowAnswer

    def __init__(self, handle: Handle, upload: FolderUpload, at: datetime, instance_id: str = "w-1") -> None:
        # As the Python client starts it: JSON in a text.
        super().__init__(handle, json.dumps(upload.to_json()), at, instance_id)

    def answered(self, result: Any, after: float = 1.0) -> WindowAnswer:
        return self._entity_says({"result": json.dumps(result)}, after)

    def refused(self, message: str, after: float = 1.0) -> WindowAnswer:
        return self._entity_says({"result": json.dumps(message), "exceptionType": "Error"}, after)

    def fire(self, late: float = 0.0) -> WindowAnswer:
        super().fire(late)
        return self.answer

    def complete(self, result: Any, after: float = 1.0) -> WindowAnswer:
        super().complete(result, after)
        return self.answer

    def fail(self, reason: str, after: float = 1.0) -> WindowAnswer:
        super().fail(reason, after)
        return self.answer

    @property
    def _asked_for(self) -> datetime:
        moment = parse_timestamp(self._newest(TIMER_CREATED)["FireAt"])
        assert moment is not None
        return moment

    def _entity_says(self, message: dict[str, Any], after: float) -> WindowAnswer:
        call = json.loads(self._newest(SENT)["Input"])["id"]
        self._arrive(after, RAISED, Name=call, Input=json.dumps(message))
        return self.answer

    def _play(self, kind: int, **fields: Any) -> WindowAnswer:
        for event in self.history:
            event["IsPlayed"] = True
        self._append(EPISODE)
        self._append(kind, **fields)
        answer = WindowAnswer.of(self._handle, self.trigger_input)
        assert isinstance(answer, WindowAnswer)
        answer = self._with_failure(answer)
        for decision in answer.decisions[self._written :]:
            self._write(self._written, decision)
        if not answer.ended and kind == FAILED:
            fires_at = self.now + timedelta(milliseconds=self._retries["firstRetryIntervalInMilliseconds"])
            self._append(TIMER_CREATED, self._written, FireAt=f"{fires_at:%Y-%m-%dT%H:%M:%S.%f}0Z")
        elif not answer.ended and kind == TIMER_FIRED and any(e["EventType"] == FAILED for e in self.history):
            again = self._newest(SCHEDULED)
            self._append(SCHEDULED, self._written, Name=again["Name"], Input=again["Input"])
        self._append(EPISODE_ENDED)
        return answer

    def _write(self, number: int, decision: dict[str, Any]) -> None:
        if decision["actionType"] == ENTITY_CALL:
            message = {"op": decision["operation"], "signal": False, "id": f"call-{number}"}
            self._append(
                SENT, number, InstanceId=decision["instanceId"], Name="op", Input=json.dumps(message)
            )
        elif decision["actionType"] == TIMER:
            self._append(TIMER_CREATED, number, FireAt=decision["fireAt"])
        else:
            assert decision["actionType"] == RETRIED_ACTIVITY, f"unknown to this host: {decision}"
            self._retries = decision["retryOptions"]
            given = json.dumps([decision["input"]])
            self._append(SCHEDULED, number, Name=decision["functionName"], Input=given)

    @property
    def _written(self) -> int:
        """How many decisions are in the history: the number of the next."""
        return sum(event["EventType"] in (SCHEDULED, TIMER_CREATED, SENT) for event in self.history)

    def _last(self, action_type: int) -> int:
        number: int = self._newest(TIMER_CREATED if action_type == TIMER else SCHEDULED)["EventId"]
        return number

    def _newest(self, kind: int) -> dict[str, Any]:
        return [event for event in self.history if event["EventType"] == kind][-1]
