"""A clock for the whole world of a walk: it advances only when something waits, and a little with each operation."""

import importlib
from datetime import UTC, datetime, timedelta, tzinfo
from types import SimpleNamespace

import pytest

from tests.batch.builders import START

_READS_THE_CLOCK = (
    "activities.invoke",
    "batch.azure_ml.known_jobs",
    "batch.azure_ml.rest",
    "task_hub.known_runs",
    "task_hub.rebuild",
    "task_hub.starts",
    "task_hub.submissions",
    "task_hub.upkeep",
    "triggers.housekeeping",
    "triggers.schedules",
)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def restart(self) -> None:
        self.now = START

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds=seconds)

    def rule(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Makes the app read this clock, and pause by it."""
        clock = self

        class Ruled(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                assert tz is UTC
                return clock.now

        for name in _READS_THE_CLOCK:
            monkeypatch.setattr(importlib.import_module(name), "datetime", Ruled)
        monkeypatch.setattr(
            importlib.import_module("ledger.retry"), "asyncio", SimpleNamespace(sleep=self.sleep)
        )
