"""Stands in for the storage account: files that appear in a folder become BlobCreated events."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from local.event_grid.blob_created import Api, Container, blob_created
from local.event_grid.event import Event
from local.event_grid.folder_scan import Changes, FolderMemory, Version, scan

log = logging.getLogger(__name__)

# Looking takes at most this share of one core, however many files there are.
_SHARE_OF_TIME = 0.1
# Clients upload larger blobs in blocks.
_SINGLE_PUT_BYTES = 64 * 1024 * 1024


class ContainerWatch:
    """Looks into ``folder`` every ``interval`` seconds, from a thread, inside its ``with`` block.

    A file is complete once it has stayed the same for ``settle`` seconds; a writer that pauses for longer
    should write under a name that begins with a dot and rename. With ``hierarchical`` the account is a Data
    Lake one: each upload gives CreateFile when it is first seen and FlushWithClose when complete.

    Files that are there at the start are reported, as redeliveries: with the very ids they had before. So
    nothing is missed that was dropped while nobody looked. ``report_existing=False`` leaves them alone.
    ``clock`` tells how long a file has stayed the same.
    """

    def __init__(
        self,
        folder: Path,
        container: Container,
        publish: Callable[[Event], None],
        *,
        hierarchical: bool = False,
        report_existing: bool = True,
        settle: float = 0.5,
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
        self._memory = FolderMemory(settle)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="container-watch", daemon=True)

    def start(self) -> Self:
        """Makes the folder if there is none. Raises OSError."""
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
                log.warning("cannot look into %s: %s", self._folder, error)
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
            yield self._upload(path, version)

    def _upload(self, path: str, version: Version) -> Event:
        api: Api
        if self._hierarchical:
            api = "FlushWithClose"
        else:
            api = "PutBlob" if version.size <= _SINGLE_PUT_BYTES else "PutBlockList"
        return blob_created(self._container, path, api, version.size, version.changed_ns)
