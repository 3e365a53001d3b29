"""Gathers the blobs of one folder until the folder has become quiet.

The orchestration of each blob touches the window, waits, then tries to claim it. The newest toucher may claim, and
anyone may once the window has been open for the longest wait. Later claimants get nothing. The entity runs one
operation at a time, so a blob is in the window that is claimed or in the next one, never in none.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from batch.run.source import DataSource
from batch.stored import Stored


class Late(StrEnum):
    """What follows from a blob that comes after its folder has started a run."""

    RERUN = "rerun"
    """The folder is gathered and scored again, as a whole."""
    IGNORE = "ignore"
    FILE = "file"
    """A run over this blob alone."""


class FolderWindow(Stored):
    """The state of the entity: an open window. ``newest`` is the orchestration that touched it last."""

    opened_at: datetime
    newest: str
    source: DataSource


class Touch(Stored):
    """The input of ``touch``, which answers when the window opened, as ISO 8601."""

    toucher: str
    now: datetime
    source: DataSource


class Claim(Stored):
    """The input of ``claim``, which answers with the DataSource that the claimant gets, or null."""

    claimant: str
    now: datetime
    longest_wait_seconds: int


def touch(window: FolderWindow | None, touched: Touch) -> FolderWindow:
    """The window with the blobs of ``touched`` in it; a new one if none is open."""
    if window is None:
        return FolderWindow(opened_at=touched.now, newest=touched.toucher, source=touched.source)
    return FolderWindow(
        opened_at=window.opened_at,
        newest=touched.toucher,
        source=window.source.merged_with(touched.source),
    )


def may_claim(window: FolderWindow, claim: Claim) -> bool:
    longest_wait = timedelta(seconds=claim.longest_wait_seconds)
    return window.newest == claim.claimant or claim.now >= window.opened_at + longest_wait


def claims_at(opened_at: datetime, now: datetime, quiet: timedelta, longest_wait: timedelta) -> datetime:
    """When the orchestration of a blob that came ``now`` tries to claim."""
    return min(now + quiet, opened_at + longest_wait)
