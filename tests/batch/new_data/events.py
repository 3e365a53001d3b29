"""Events of new data as storage and Event Grid send them, and rules for new data."""

import json
from datetime import datetime
from typing import Any

from batch.grid_event import GridEvent
from batch.new_data.blob import Blob
from batch.new_data.rules import NewDataRule
from tests.batch.builders import START
from triggers.grid_event import grid_event

TOPIC = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
    "/providers/Microsoft.Storage/storageAccounts/lake"
)
EVENT_GRID, CLOUD_EVENTS = "Event Grid", "CloudEvents"
SCHEMAS = (EVENT_GRID, CLOUD_EVENTS)

_IN_CLOUD_EVENTS = {"topic": "source", "eventType": "type", "eventTime": "time"}


def subject(name: str, container: str = "data") -> str:
    return f"/blobServices/default/containers/{container}/blobs/{name}"


def created(**data: Any) -> dict[str, Any]:
    """``data`` of a BlobCreated event; a field given as ``...`` is left out."""
    given: dict[str, Any] = {
        "api": "PutBlob",
        "requestId": "00000000-0000-0000-0000-00000000000a",
        "eTag": "0x1",
        "contentType": "text/csv",
        "contentLength": 5,
        "blobType": "BlockBlob",
        "url": "https://lake.blob.core.windows.net/data/in/a.csv",
        "sequencer": "0001",
        "storageDiagnostics": {"batchId": "00000000-0000-0000-0000-00000000000b"},
        **data,
    }
    return {name: value for name, value in given.items() if value is not ...}


def envelope(schema: str = EVENT_GRID, **fields: Any) -> dict[str, Any]:
    """A BlobCreated event, fields named as in the Event Grid schema; one given as ``...`` is left out."""
    given: dict[str, Any] = {
        "topic": TOPIC,
        "subject": subject("in/a.csv"),
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-01-31T12:00:00.1234567Z",
        "id": "event-1",
        "data": created(),
        **fields,
    }
    given = {name: value for name, value in given.items() if value is not ...}
    if schema == EVENT_GRID:
        return {"dataVersion": "", "metadataVersion": "1", **given}
    return {"specversion": "1.0", **{_IN_CLOUD_EVENTS.get(name, name): given[name] for name in given}}


def event(schema: str = EVENT_GRID, **fields: Any) -> GridEvent:
    """The event as the trigger reads it."""
    return grid_event(json.dumps(envelope(schema, **fields)))


def upload(name: str, schema: str = EVENT_GRID, *, container: str = "data", **data: Any) -> GridEvent:
    return event(schema, subject=subject(name, container), data=created(**data))


def blob(
    name: str = "in/a.csv",
    *,
    account: str = "lake",
    container: str = "data",
    version: str = "0x1",
    at: datetime = START,
) -> Blob:
    return Blob(account, container, name, version, at)


def rule(**fields: Any) -> NewDataRule:
    return NewDataRule.model_validate({"container": "data", **fields})
