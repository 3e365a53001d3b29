"""The CloudEvent that tells how a run ended."""

from typing import TypedDict

from batch.api.run_view import RunView
from batch.run.notification import event_id

TYPE_PREFIX = "BatchEndpointRun"


class CloudEvent(TypedDict):
    """CloudEvents 1.0. ``type`` ends with the outcome. ``source``, a slash and ``subject`` are the run's address."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    data: RunView


def cloud_event(view: RunView, source: str) -> CloudEvent:
    """``view`` is that of a run that has ended."""
    return {
        "specversion": "1.0",
        "id": event_id(view["run_id"], view["started_at"]),
        "source": source,
        "type": f"{TYPE_PREFIX}.{view['phase']}",
        "subject": view["run_id"],
        "time": view["ended_at"] or view["started_at"],
        "datacontenttype": "application/json",
        "data": view,
    }
