"""Which storage events report an upload, and how far the upload is.

Facts from the storage event schema: an upload through the Data Lake endpoint raises BlobCreated twice, for
CreateFile (empty) and for FlushWithClose. A blob that is replaced raises it again, with another eTag. Where the
namespace is hierarchical, a copy that takes time is announced at its start, with the length 0, and not at its end.
A rename raises BlobRenamed, without eTag and length; its subject names the destination. The rename of a directory
raises nothing for the files in it. Events are delivered at least once and in any order.
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
_OF_TWO_EVENTS = frozenset({CREATE_FILE, "FlushWithClose"})
_BEGIN_OF_SFTP = "SftpCreate"
"""SftpCommit always follows, also for an empty file."""
MAX_NAME_LENGTH = 1_024
"""Characters: the limit of Azure Storage for the name of a blob."""

_SUBJECT = re.compile(r"/blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<name>.+)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\\]")
_REPLACEMENT = "\ufffd"
_SEQUENCER = re.compile(r"[0-9A-Fa-f]{1,64}")


class Malformed(ValueError):
    """The event names the expected storage account, but its content is not that of a storage event."""


class UnknownCall(ValueError):
    """A blob was written by a call that this app does not know. ``blob`` is ``<container>/<name>``.

    ``api`` is None if the event names the call with anything but text.
    """

    def __init__(self, blob: str, api: object) -> None:
        api = api if isinstance(api, str) else None
        super().__init__(f"{api} is not a call that finishes an upload")
        self.blob = blob
        self.api = api


@dataclass(frozen=True, slots=True)
class Blob:
    """An upload. ``name`` is the path within the container; ``version`` differs for each content.

    ``is_unfinished``: the content follows, and no event says when. ``is_created_only``: the file was created without
    content, which counts for a marker alone. ``order``: where the event stands among those of this blob, as text that
    is compared; empty for an upload that raises one event only.
    """

    account: str
    container: str
    name: str
    version: str
    created_at: datetime
    is_empty: bool = False
    is_unfinished: bool = False
    is_created_only: bool = False
    order: str = ""

    @property
    def path(self) -> str:
        """With the container, as people know it."""
        return f"{self.container}/{self.name}"

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


def upload_of(event: GridEvent, topic: str) -> Blob | None:
    """The blob that ``event`` reports, or None if it reports none. Raises Malformed and UnknownCall.

    An empty blob is an upload, too: a marker file needs only a name. The event of an upload by SFTP has no
    length; the blob counts as not empty. ``topic`` is the resource id of the expected storage account.
    """
    if event.type not in (BLOB_CREATED, BLOB_RENAMED) or not event.is_from(topic):
        return None
    api = event.data.get("api")
    if api == _BEGIN_OF_SFTP:
        return None
    container, name = _place(event.subject)
    if name.endswith("/"):
        return None
    is_renamed = event.type == BLOB_RENAMED
    if not isinstance(api, str) or api not in (RENAMES if is_renamed else FINISHED_UPLOADS | {CREATE_FILE}):
        raise UnknownCall(f"{container}/{name}", api)
    if event.has_unreadable_time:
        raise Malformed("its time is not in ISO 8601")
    account = topic.rstrip("/").rpartition("/")[2]
    at = event.time or datetime.now(UTC)
    if is_renamed:
        return Blob(account, container, name, _version_of_rename(event), at)
    length = event.data.get("contentLength")
    if length is not None and (isinstance(length, bool) or not isinstance(length, int)):
        raise Malformed("contentLength is not a whole number")
    is_unfinished = length == 0 and api == "CopyBlob"
    return Blob(
        account,
        container,
        name,
        _version(event),
        at,
        is_empty=length == 0 and api != "SftpCommit" and not is_unfinished,
        is_unfinished=is_unfinished,
        is_created_only=api == CREATE_FILE,
        order=_order(event, at) if api in _OF_TWO_EVENTS else "",
    )


def _version(event: GridEvent) -> str:
    version = event.data.get("eTag") or event.id
    if not isinstance(version, str) or not 1 <= len(version) <= MAX_NAME_LENGTH:
        raise Malformed("there is no eTag, which identifies the content")
    return version


def _version_of_rename(event: GridEvent) -> str:
    """A rename changes no content and has no eTag. Each delivery of its event has the same id."""
    if not event.id:
        raise Malformed("there is no event id, which identifies a rename")
    sequencer = event.data.get("sequencer")
    version = f"{event.id} {sequencer if isinstance(sequencer, str) else ''}"
    if len(version) > MAX_NAME_LENGTH:
        raise Malformed("the event id or the sequencer is too long")
    return version


def _order(event: GridEvent, at: datetime) -> str:
    """Sequencers of one blob are ordered as text, also where one is longer: the rest divides what they share."""
    sequencer = event.data.get("sequencer")
    if isinstance(sequencer, str) and _SEQUENCER.fullmatch(sequencer):
        return sequencer.lower()
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _place(subject: str) -> tuple[str, str]:
    match = _SUBJECT.fullmatch(subject)
    if match is None:
        raise Malformed("the subject names no blob")
    name = match["name"]
    parts = name.rstrip("/").split("/")
    if len(name) > MAX_NAME_LENGTH or _CONTROL.search(name) or any(part in ("", ".", "..") for part in parts):
        raise Malformed("the blob's name is too long or holds control characters, '..' or empty parts")
    if _REPLACEMENT in subject:
        raise Malformed(
            "the event does not hold the blob's real name: a character of it, for example an emoji, was replaced by"
            " U+FFFD on the way. Give the blob a name without that character"
        )
    return match["container"], name
