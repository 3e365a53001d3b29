"""What the worker hands to an Event Grid function, as the event it is."""

from typing import Any

import azure.functions as func

from batch.grid_event import GridEvent


def grid_event(event: Any) -> GridEvent:
    """From either schema: the worker decides by the payload whether it is an EventGridEvent or a CloudEvent."""
    cloud = isinstance(event, func.CloudEvent)
    data = event.get_json()
    return GridEvent(
        id=str(event.id or ""),
        type=str((event.type if cloud else event.event_type) or ""),
        source=str((event.source if cloud else event.topic) or ""),
        subject=str(event.subject or ""),
        time=event.time if cloud else event.event_time,
        data=data if isinstance(data, dict) else {},
    )
