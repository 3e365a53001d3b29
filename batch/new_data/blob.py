"""Which storage events report a finished upload: exactly one for each.

Facts from the storage event schema: an upload through the Data Lake endpoint raises BlobCreated twice, for
CreateFile (empty) and for FlushWithClose. A blob that is replaced raises it again, with another eTag. Events are
delivered at least once and in any order.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from batch.grid_event import GridEvent
from batch.run.source import DataSource

BLOB_CREATED = "Microsoft.Storage.BlobCreated"
BLOB_RENAMED = "Microsoft.Storage.BlobRenamed"
FINISHED_UPLOADS = frozenset({"PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"})
"""Calls that raise BlobCreated for content."""
RENAMES = frozenset({"RenameFile", "SftpRename"})
"""Calls that raise BlobRenamed."""
CREATE_FILE = "CreateFile"
MAX_NAME_LENGTH = 1_024
"""Characters: the limit of Azure Storage for the name of a blob."""

_SUBJECT = re.compile(r"/blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<name>.+)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\\]")


class Malformed(ValueError):
    """The event names the expected storage account, but its content is not that of a storage event."""


@dataclass(frozen=True, slots=True)
class Blob:
    """An upload. ``name`` is the path within the container; ``version`` differs for each content.

    ``is_unfinished``: the content follows, and no event says when. ``is_created_only``: the file was created without
    content, which counts for a marker alone.
    """

    account: str
    container: str
    name: str
    version: str
    created_at: datetime
    is_empty: bool = False
    is_unfinished: bool = False
    is_created_only: bool = False

    @property
    def folder(self) -> str:
        """The path before the last slash, without it; empty at the container's root."""
        return self.name.rpartition("/")[0]

    @property
    def file(self) -> str:
        return self.name.rpartition("/")[2]

    def source(self) -> DataSource:
        """This blob as the data of a run."""
        return DataSource(
            container=self.container,
            folder=self.folder,
            count=1,
            first_event_at=self.created_at,
            last_event_at=self.created_at,
            names=(self.file,),
        )


def finished_upload(event: GridEvent, topic: str) -> Blob | None:
    """The blob whose upload ``event`` reports, or None if it reports none. Raises Malformed.

    An empty blob is a finished upload, too: a marker file needs only a name. The event of an upload by SFTP has no
    length; the blob counts as not empty. ``topic`` is the resource id of the expected storage account.
    """
    if event.type != BLOB_CREATED or not event.is_from(topic):
        return None
    api = event.data.get("api")
    if not isinstance(api, str) or api not in FINISHED_UPLOADS:
        return None
    length = event.data.get("contentLength")
    if length is not None and (isinstance(length, bool) or not isinstance(length, int)):
        raise Malformed("contentLength is not a whole number")
    container, name = _place(event.subject)
    if name.endswith("/"):
        return None
    version = event.data.get("eTag") or event.id
    if not isinstance(version, str) or not 1 <= len(version) <= MAX_NAME_LENGTH:
        raise Malformed("there is no eTag, which identifies the content")
    if event.has_unreadable_time:
        raise Malformed("its time is not in ISO 8601")
    account = topic.rstrip("/").rpartition("/")[2]
    is_empty = length == 0 and api != "SftpCommit"
    return Blob(account, container, name, version, event.time or datetime.now(UTC), is_empty=is_empty)


def _place(subject: str) -> tuple[str, str]:
    match = _SUBJECT.fullmatch(subject)
    if match is None:
        raise Malformed("the subject names no blob")
    name = match["name"]
    parts = name.rstrip("/").split("/")
    if len(name) > MAX_NAME_LENGTH or _CONTROL.search(name) or any(part in ("", ".", "..") for part in parts):
        raise Malformed("the blob's name is too long or holds control characters, '..' or empty parts")
    return match["container"], name
