"""The history of one execution, as the Durable extension hands it to the SDK."""

import json
from datetime import datetime
from typing import Any

STARTED, SCHEDULED, COMPLETED, FAILED = 0, 4, 5, 6
TIMER_CREATED, TIMER_FIRED, EPISODE, EPISODE_ENDED, SENT, RAISED = 10, 11, 12, 13, 14, 15
"""Types of events, by the numbers of the extension."""


class History:
    """``events`` are in the JSON form of the extension, oldest first."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._next_number = 0
        self._now = ""

    def begin_episode(self, now: datetime) -> None:
        for event in self.events:
            event["IsPlayed"] = True
        self._now = ticks(now)
        self.add(EPISODE)

    def end_episode(self) -> None:
        self.add(EPISODE_ENDED)

    def add(self, kind: int, event_id: int = -1, **fields: Any) -> None:
        stamp = {"EventType": kind, "EventId": event_id, "IsPlayed": False, "Timestamp": self._now}
        self.events.append({**stamp, **fields})

    # What a decision becomes. Each returns the number of its event, by which an answer refers to it.

    def add_activity(self, action: dict[str, Any]) -> int:
        given = json.dumps([action["input"]])
        return self._add_numbered(SCHEDULED, Name=action["functionName"], Input=given)

    def add_timer(self, fire_at: datetime) -> int:
        return self._add_numbered(TIMER_CREATED, FireAt=ticks(fire_at))

    def add_message(self, action: dict[str, Any], *, signal: bool) -> int:
        """A message to an entity. The answer to a call is an event with the name ``request_id``."""
        message = {"op": action["operation"], "signal": signal, "id": request_id(self._next_number)}
        return self._add_numbered(SENT, InstanceId=action["instanceId"], Name="op", Input=json.dumps(message))

    def _add_numbered(self, kind: int, **fields: Any) -> int:
        number = self._next_number
        self._next_number += 1
        self.add(kind, number, **fields)
        return number


def request_id(number: int) -> str:
    return f"message-{number}"


def ticks(moment: datetime) -> str:
    """Seven fraction digits, as .NET writes them."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0Z"
