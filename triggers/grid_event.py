"""From the object that the worker gives to an Event Grid function to a GridEvent."""

from typing import Any

import azure.functions as func

from batch.grid_event import GridEvent
from batch.timestamps import as_utc


def grid_event(event: Any) -> GridEvent:
    """``event`` is an EventGridEvent or a CloudEvent: the worker decides by the payload."""
    cloud = isinstance(event, func.CloudEvent)
    data = event.get_json()
    time = event.time if cloud else event.event_time
    return GridEvent(
        id=str(event.id or ""),
        type=str((event.type if cloud else event.event_type) or ""),
        sender=str((event.source if cloud else event.topic) or ""),
        subject=str(event.subject or ""),
        time=as_utc(time) if time else None,
        data=data if isinstance(data, dict) else {},
    )
