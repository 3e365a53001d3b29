"""One event, and how it is written in the two schemas that Event Grid delivers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

JsonObject = dict[str, object]


class Schema(StrEnum):
    """Named as in an event subscription's ``eventDeliverySchema``."""

    EVENT_GRID = "EventGridSchema"
    CLOUD_EVENTS = "CloudEventSchemaV1_0"


@dataclass(frozen=True, slots=True)
class Event:
    """``topic`` is the resource id of the sender; ``time`` is aware."""

    topic: str
    subject: str
    type: str
    data: Mapping[str, object]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


def written(event: Event, schema: Schema) -> JsonObject:
    if schema is Schema.CLOUD_EVENTS:
        return {
            "source": event.topic,
            "subject": event.subject,
            "type": event.type,
            "time": event_time(event.time),
            "id": event.id,
            "data": dict(event.data),
            "specversion": "1.0",
        }
    return {
        "topic": event.topic,
        "subject": event.subject,
        "eventType": event.type,
        "eventTime": event_time(event.time),
        "id": event.id,
        "data": dict(event.data),
        "dataVersion": "",
        "metadataVersion": "1",
    }


def event_time(moment: datetime) -> str:
    """With seven decimals, as Azure's events have it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
