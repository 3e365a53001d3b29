"""Gathers the blobs of one folder until the folder has become quiet.

The orchestration of each blob touches the window, waits, then tries to claim it. The newest toucher may claim, and
anyone may once the window has been open for the longest wait. Later claimants get nothing. The entity runs one
operation at a time, so a blob is in the window that is claimed or in the next one, never in none.

A window that was claimed is closed, and stays: so the next one knows that the folder has started a run, and which
files that run took. Housekeeping deletes it with the last orchestration of the folder.
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
    """The state of the entity. ``newest`` is the orchestration that touched the window last.

    ``closed``: a run has taken ``source``. ``earlier`` are the other files of the folder: those of earlier runs, and
    those that came too late for one. None while nothing is known of any.
    """

    opened_at: datetime
    newest: str
    source: DataSource
    closed: bool = False
    earlier: DataSource | None = None

    def claimed(self) -> DataSource:
        """What the claimant gets."""
        return self.source.again_after(self.earlier)

    def known_files(self) -> DataSource | None:
        """All files of the folder that came before a window that would open now; None if it has started no run."""
        if not self.closed:
            return self.earlier
        return self.earlier.files_with(self.source) if self.earlier else self.source


class Touch(Stored):
    """The input of ``touch``, which answers when the window opened, as ISO 8601.

    It answers null if the blob is late and ``late`` says that no run over its folder follows.
    """

    toucher: str
    now: datetime
    source: DataSource
    late: Late = Late.RERUN


class Claim(Stored):
    """The input of ``claim``, which answers with the DataSource that the claimant gets, or null.

    ``remembers``: the window closes. Without it the entity forgets the folder, as versions before 1.5 have it.
    """

    claimant: str
    now: datetime
    longest_wait_seconds: int
    remembers: bool = False


def is_late(window: FolderWindow | None, touched: Touch) -> bool:
    """Whether the blob comes after the run of its folder, and opens no window."""
    return window is not None and touched.late != Late.RERUN and window.known_files() is not None


def touch(window: FolderWindow | None, touched: Touch) -> FolderWindow:
    """The window with the blobs of ``touched`` in it; a new one if none is open."""
    if window is None or window.closed:
        return FolderWindow(
            opened_at=touched.now,
            newest=touched.toucher,
            source=touched.source,
            earlier=window.known_files() if window else None,
        )
    return window.model_copy(
        update={"newest": touched.toucher, "source": window.source.merged_with(touched.source)}
    )


def note_late(window: FolderWindow, touched: Touch) -> FolderWindow:
    """The window after late blobs, which it knows and does not gather."""
    earlier = window.earlier.files_with(touched.source) if window.earlier else touched.source
    return window.model_copy(update={"earlier": earlier})


def may_claim(window: FolderWindow, claim: Claim) -> bool:
    if window.closed:
        return False
    longest_wait = timedelta(seconds=claim.longest_wait_seconds)
    return window.newest == claim.claimant or claim.now >= window.opened_at + longest_wait


def close(window: FolderWindow, claim: Claim) -> FolderWindow:
    """The window that ``claim`` has taken.

    A host of 1.4 takes a closed window for an open one. So it gets no newest toucher and the time of the claim: then
    a claim that comes too late gets nothing there, too.
    """
    return window.model_copy(update={"closed": True, "opened_at": claim.now, "newest": ""})


def claims_at(opened_at: datetime, now: datetime, quiet: timedelta, longest_wait: timedelta) -> datetime:
    """When the orchestration of a blob that came ``now`` tries to claim."""
    return min(now + quiet, opened_at + longest_wait)
