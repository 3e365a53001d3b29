"""The event subscriptions for new data, as ``infra/connections.bicep`` makes them from the rules."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batch.new_data.blob import BLOB_CREATED, BLOB_RENAMED, CREATE_FILE, FINISHED_UPLOADS, RENAMES
from local.event_grid import EventFilter, StringBeginsWith, StringEndsWith, StringIn

MOST_UPLOAD_PLACES = 18
MOST_MARKER_PLACES = 12
_ANY_CONTAINER = "/blobServices/default/containers/"
_LONGEST_VALUE = 512
_DEFAULTS = {"container": "", "prefix": "", "start": "folder", "marker": "_SUCCESS"}

Rule = Mapping[str, Any]


def new_data_filters(settings: Mapping[str, str]) -> dict[str, EventFilter]:
    """The filter of each subscription, by its name. ``settings`` are valid ``NEW_DATA_*`` settings of the app."""
    plain = {
        field: settings[name]
        for field in ("container", "prefix", "start", "marker")
        if settings.get(name := f"NEW_DATA_{field.upper()}")
    }
    given = json.loads(settings.get("NEW_DATA_RULES") or "[]") or ([plain] if plain else [])
    rules = [{**_DEFAULTS, **rule} for rule in given]
    uploads = [rule for rule in rules if rule["start"] != "schedule"]
    markers = [rule for rule in rules if rule["start"] == "marker"]
    filters = {}
    if uploads:
        filters["new-data"] = EventFilter(
            event_types=(BLOB_CREATED, BLOB_RENAMED),
            subject_case_sensitive=True,
            advanced=(
                StringBeginsWith("Subject", _places(uploads, MOST_UPLOAD_PLACES)),
                StringIn("data.api", sorted(FINISHED_UPLOADS | RENAMES)),
            ),
        )
    if markers:
        filters["new-data-markers"] = EventFilter(
            event_types=(BLOB_CREATED,),
            subject_case_sensitive=True,
            advanced=(
                StringBeginsWith("Subject", _places(markers, MOST_MARKER_PLACES)),
                StringEndsWith("Subject", _different(f"/{rule['marker']}" for rule in markers)),
                StringIn("data.api", (CREATE_FILE,)),
            ),
        )
    return filters


def _places(rules: Sequence[Rule], most: int) -> list[str]:
    """With what the subjects begin: prefixes if they are few enough, otherwise containers, otherwise anything."""
    containers = _different(f"{_ANY_CONTAINER}{rule['container']}/blobs/" for rule in rules)
    prefixes = _different(
        f"{_ANY_CONTAINER}{rule['container']}/blobs/{rule['prefix']}"[:_LONGEST_VALUE] for rule in rules
    )
    return next((places for places in (prefixes, containers) if len(places) <= most), [_ANY_CONTAINER])


def _different(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
