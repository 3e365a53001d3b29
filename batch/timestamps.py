"""Timestamps as Azure writes them and as we do: ISO 8601, UTC."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import WithJsonSchema

Time = Annotated[
    str, WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00.123Z"]})
]
"""A time as text, as ``format_timestamp`` writes it."""


def parse_timestamp(text: object) -> datetime | None:
    """An aware time in UTC from ISO 8601 with any number of fraction digits, or None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        return as_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def as_utc(moment: datetime) -> datetime:
    """The moment in UTC. A time without a zone counts as UTC. Raises OverflowError at either end of time."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def format_timestamp(moment: datetime) -> str:
    """``2026-01-31T12:00:00.123Z``"""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
