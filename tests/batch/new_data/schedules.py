"""Schedules for tests: rules for starts by the clock."""

from datetime import UTC, datetime
from typing import Any

from batch.new_data.schedule import ScheduleRule

NIGHTLY = "30 2 * * *"


def schedule(cron: str = NIGHTLY, **fields: Any) -> ScheduleRule:
    return ScheduleRule.model_validate(schedule_fields(cron, **fields))


def schedule_fields(cron: str = NIGHTLY, **fields: Any) -> dict[str, Any]:
    """As the settings hold it; ``fields`` replace or add."""
    given = {
        "start": "schedule",
        "name": "nightly",
        "cron": cron,
        "input_uri": "azureml://datastores/lake/paths/sales/{date}/",
    }
    return given | fields


def utc(text: str) -> datetime:
    """``2026-01-31 02:30``"""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
