"""From the text that the worker gives to an Event Grid function to a GridEvent.

The functions ask for text. For its own event classes the SDK reads the time before the function is called, and fails
if it cannot: the app would know nothing of the event, and Event Grid would deliver it again for a day.
"""

import json
import logging
from typing import Any

from batch.grid_event import GridEvent
from batch.log import log_event
from batch.timestamps import parse_timestamp

_NOTHING = GridEvent(id="", type="", sender="", subject="", time=None, data={})

logger = logging.getLogger(__name__)


def grid_event(text: str) -> GridEvent:
    """``text`` is the JSON object of one event, in the Event Grid schema or as a CloudEvent.

    Of any other text it makes an event that reports nothing: that text would be no better at the next delivery.
    """
    try:
        return _event_of(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        # No part of the text is repeated. It names no sender, so it may be anybody's.
        log_event(logger, logging.WARNING, "event_unreadable", characters=len(text), reason=error)
        return _NOTHING


def _event_of(event: Any) -> GridEvent:
    if not isinstance(event, dict):
        raise TypeError("It is no JSON object.")
    kind, sender, at = (
        ("type", "source", "time") if "specversion" in event else ("eventType", "topic", "eventTime")
    )
    data, time = event.get("data"), parse_timestamp(event.get(at))
    return GridEvent(
        id=str(event.get("id") or ""),
        type=str(event.get(kind) or ""),
        sender=str(event.get(sender) or ""),
        subject=str(event.get("subject") or ""),
        time=time,
        data=data if isinstance(data, dict) else {},
        has_unreadable_time=bool(event.get(at)) and time is None,
    )
