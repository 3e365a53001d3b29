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


def configured_rules(settings: NewData) -> list[ConfiguredRule]:
    """In the order of the settings."""
    return [
        ConfiguredRule(
            id=rule.id,
            start=rule.start,
            fields=_redacted(rule.model_dump(mode="json", exclude={"start"}, exclude_defaults=True)),
        )
        for rule in settings.rules
    ]


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case list():
            return [_redacted(each) for each in value]
        case dict():
            return {name: _redacted(each) for name, each in value.items()}
    return value
