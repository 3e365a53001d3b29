"""Gathers the blobs of one folder until the folder has become quiet.

Each blob's orchestration touches the window, sleeps, then tries to claim it. The newest toucher may claim, and
anyone may once the window has been open for the longest wait; who comes later finds nothing to claim. The entity
runs one operation at a time, so a blob is in the window that is claimed or in the next one, never in none.
"""

from datetime import datetime, timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from batch.run.source import DataSource


class FolderWindow(BaseModel):
    """An open window. ``newest`` is the orchestration that touched it last."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    opened_at: datetime
    newest: str
    source: DataSource

    @classmethod
    def from_json(cls, value: object) -> Self | None:
        return cls.model_validate(value) if value else None

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def touch(window: FolderWindow | None, toucher: str, now: datetime, source: DataSource) -> FolderWindow:
    """The window with ``source`` in it; a new one if none is open."""
    if window is None:
        return FolderWindow(opened_at=now, newest=toucher, source=source)
    return FolderWindow(opened_at=window.opened_at, newest=toucher, source=window.source.and_also(source))


def may_claim(window: FolderWindow, claimant: str, now: datetime, longest_wait: timedelta) -> bool:
    return window.newest == claimant or now >= window.opened_at + longest_wait


def wake_at(opened_at: datetime, now: datetime, quiet: timedelta, longest_wait: timedelta) -> datetime:
    """When a blob that came ``now`` tries to claim."""
    return min(now + quiet, opened_at + longest_wait)
