"""The rules of the settings, of every kind, in the form in which people look at them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from batch.new_data.settings import NewData
from batch.redaction import redact


@dataclass(frozen=True, slots=True)
class ConfiguredRule:
    """``fields`` are what the rule says besides ``start``, without defaults and without secrets, as JSON has them.

    ``next_start_at`` is None for a rule that waits for uploads.
    """

    id: str
    start: str
    fields: Mapping[str, Any]
    next_start_at: datetime | None = None


def configured_rules(settings: NewData, now: datetime) -> list[ConfiguredRule]:
    """In the order of the settings."""
    next_starts = _next_starts(settings, now)
    return [
        ConfiguredRule(
            id=rule.id,
            start=rule.start,
            fields=_redacted(rule.model_dump(mode="json", exclude={"start"}, exclude_defaults=True)),
            next_start_at=next_starts.get(rule.id),
        )
        for rule in settings.in_order()
    ]


def _next_starts(settings: NewData, now: datetime) -> dict[str, datetime | None]:
    """By the ids of schedules."""
    if not settings.schedules:
        return {}
    # Only an app with schedules needs what this imports.
    from batch.new_data.due import next_due

    return {schedule.id: next_due(schedule, now) for schedule in settings.schedules}


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case list():
            return [_redacted(each) for each in value]
        case dict():
            return {name: _redacted(each) for name, each in value.items()}
    return value
