"""Emulates a storage account: files that appear in a folder become its events."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from local.event_grid.event import Event
from local.event_grid.folder_scan import Changes, FolderMemory, Version, scan
from local.event_grid.storage_events import Api, Container, blob_created, blob_renamed

log = logging.getLogger(__name__)

# Scanning uses at most this share of one core, whatever the number of files.
_SHARE_OF_TIME = 0.1
# Clients upload larger blobs in blocks.
_SINGLE_PUT_BYTES = 64 * 1024 * 1024


class ContainerWatch:
    """Scans ``folder`` every ``interval`` seconds, in a thread, inside its ``with`` block.

    A file is complete once it has not changed for ``unchanged_for`` seconds; a writer that pauses for longer
    should write under a name that begins with a dot, which the app ignores, and rename.

    With ``hierarchical`` the account is a Data Lake one: each upload gives CreateFile when it is first seen and
    FlushWithClose when it is complete. An empty file gives CreateFile alone, as one that is created and never
    written to. A file that moves within the folder gives BlobRenamed; the files of a folder that moves give nothing.
    In any other account a file that moves is a new one.

    Files that exist at the start are reported like redeliveries, with the same event ids as before: so a file
    that arrived while no watch ran is not missed. A file that was renamed before is reported as an upload.
    ``report_existing=False`` ignores them. ``clock`` measures how long a file has not changed, in seconds.
    """

    def __init__(
        self,
        folder: Path,
        container: Container,
        publish: Callable[[Event], None],
        *,
        hierarchical: bool = False,
        report_existing: bool = True,
        unchanged_for: float = 0.5,
        interval: float = 0.2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._container = container
        self._publish = publish
        self._hierarchical = hierarchical
        self._report_existing = report_existing
        self._interval = interval
        self._clock = clock
        self._memory = FolderMemory(unchanged_for, knows_renames=hierarchical)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="container-watch", daemon=True)

    def start(self) -> Self:
        """Creates the folder if it is missing. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._report_existing:
            self._memory.know(scan(self._folder))
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            began, now = time.monotonic(), self._clock()
            try:
                changes = self._memory.changes(scan(self._folder), now)
            except OSError as error:
                log.warning("cannot scan %s: %s", self._folder, error)
            else:
                for event in self._events(changes):
                    self._publish(event)
            took = time.monotonic() - began
            self._stopping.wait(max(self._interval, took / _SHARE_OF_TIME))

    def _events(self, changes: Changes) -> Iterator[Event]:
        if self._hierarchical:
            for path, version in changes.begun:
                yield blob_created(self._container, path, "CreateFile", version.size, version.changed_ns)
        for path, version in changes.complete:
            if version.size or not self._hierarchical:
                yield self._upload(path, version)
        for rename in changes.renamed:
            yield blob_renamed(self._container, rename.source, rename.destination, rename.version.changed_ns)

    def _upload(self, path: str, version: Version) -> Event:
        api: Api
        if self._hierarchical:
            api = "FlushWithClose"
        else:
            api = "PutBlob" if version.size <= _SINGLE_PUT_BYTES else "PutBlockList"
        return blob_created(self._container, path, api, version.size, version.changed_ns)
