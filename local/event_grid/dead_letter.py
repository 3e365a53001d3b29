"""Events that could not be delivered, as files in a folder."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from local.event_grid.event import Event, JsonObject, Schema, event_time, written


@dataclass(frozen=True, slots=True)
class Undelivered:
    event: Event
    reason: str
    attempts: int
    last_outcome: str
    published_at: datetime
    last_attempt_at: datetime


def dead_letter_record(undelivered: Undelivered, schema: Schema) -> JsonObject:
    """The event with the reason added; extension attributes of CloudEvents are all in lower case."""
    added: JsonObject = {
        "deadLetterReason": undelivered.reason,
        "deliveryAttempts": undelivered.attempts,
        "lastDeliveryOutcome": undelivered.last_outcome,
        "publishTime": event_time(undelivered.published_at),
        "lastDeliveryAttemptTime": event_time(undelivered.last_attempt_at),
    }
    if schema is Schema.CLOUD_EVENTS:
        added = {name.lower(): value for name, value in added.items()}
    return {**written(undelivered.event, schema), **added}


def write_dead_letter(folder: Path, subscription: str, undelivered: Undelivered, schema: Schema) -> Path:
    """``<SUBSCRIPTION>/<year>/<month>/<day>/<hour>/<guid>.json``, an array of one; raises OSError.

    Event Grid waits five minutes before it writes, this does not.
    """
    at = undelivered.last_attempt_at
    place = folder / subscription.upper() / str(at.year) / str(at.month) / str(at.day) / str(at.hour)
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{uuid.uuid4()}.json"
    records = [dead_letter_record(undelivered, schema)]
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    return path
