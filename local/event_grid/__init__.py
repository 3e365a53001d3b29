"""Emulates Event Grid on one machine: delivers to webhooks as Event Grid does, and watches folders for blobs."""

from local.event_grid.container_watch import ContainerWatch
from local.event_grid.delivery import Tally
from local.event_grid.event import Event, Schema
from local.event_grid.grid import EventGrid
from local.event_grid.retry import RetryPolicy
from local.event_grid.storage_events import (
    BLOB_CREATED,
    BLOB_RENAMED,
    Container,
    blob_created,
    blob_renamed,
)
from local.event_grid.subscription import (
    Batching,
    Disturbance,
    EventFilter,
    StringBeginsWith,
    StringEndsWith,
    StringIn,
    Subscription,
)
from local.event_grid.webhook import HandshakeError

__all__ = [
    "BLOB_CREATED",
    "BLOB_RENAMED",
    "Batching",
    "Container",
    "ContainerWatch",
    "Disturbance",
    "Event",
    "EventFilter",
    "EventGrid",
    "HandshakeError",
    "RetryPolicy",
    "Schema",
    "StringBeginsWith",
    "StringEndsWith",
    "StringIn",
    "Subscription",
    "Tally",
    "blob_created",
    "blob_renamed",
]
