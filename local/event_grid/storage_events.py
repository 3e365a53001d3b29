"""Events as a storage account sends them, for files in a local folder."""

import mimetypes
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import quote

from local.event_grid.event import Event

BLOB_CREATED = "Microsoft.Storage.BlobCreated"
BLOB_RENAMED = "Microsoft.Storage.BlobRenamed"
Api = Literal["PutBlob", "PutBlockList", "CopyBlob", "CreateFile", "FlushWithClose"]
_DATA_LAKE: tuple[Api, ...] = ("CreateFile", "FlushWithClose")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# .NET ticks (100 ns) from the year 1 to 1970.
_EPOCH_TICKS = 621_355_968_000_000_000
_IDS = uuid.UUID("c0f5b9a4-52f0-4c0e-9a2e-5f7f2d0f8f11")
_PATH_CHARACTERS = "/=:@!$&'()*+,;~"
"""What RFC 3986 allows in a path besides letters, digits and ``-._``: Azure's own URLs leave it as it is."""


@dataclass(frozen=True, slots=True)
class Container:
    account: str
    name: str
    subscription_id: str = "2d9a7b44-8f13-4f0b-b6f5-90c4a1d5e202"
    resource_group: str = "local-rg"

    @property
    def topic(self) -> str:
        """The resource id of the storage account."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.Storage/storageAccounts/{self.account}"
        )

    @property
    def addresses(self) -> tuple[str, ...]:
        """All forms of URLs with which the names of its blobs begin, without a slash at the end."""
        host = f"{self.account}.dfs.core.windows.net"
        blob_host = f"{self.account}.blob.core.windows.net"
        return (
            *(f"https://{one}/{self.name}" for one in (blob_host, host)),
            f"abfss://{self.name}@{host}",
            f"wasbs://{self.name}@{blob_host}",
        )

    def url(self, path: str, service: Literal["blob", "dfs"] = "blob") -> str:
        return f"https://{self.account}.{service}.core.windows.net/{self.name}/{quote(path, safe=_PATH_CHARACTERS)}"


def blob_created(container: Container, path: str, api: Api, length: int, modified_ns: int) -> Event:
    """``path`` is the blob's name, ``length`` in bytes, ``modified_ns`` in nanoseconds since 1970.

    These determine the whole event: the same content of the same blob gives the same event, id included. As in
    Azure, the eTag is the time of modification in ticks; the name is plain in the subject, encoded in the url.

    A copy in a Data Lake account is announced at its start: ``CopyBlob`` with the length 0, and no event follows. The
    length of ``CreateFile`` is always 0.
    """
    in_lake = api in _DATA_LAKE
    # CreateFile makes an empty file; the content comes before FlushWithClose.
    size = 0 if api == "CreateFile" else length
    url = container.url(path, "dfs" if in_lake else "blob")
    identity = uuid.uuid5(_IDS, f"{url} {api} {modified_ns} {length}")
    data: dict[str, object] = {
        "api": api,
        "clientRequestId": str(uuid.uuid5(identity, "client")),
        "requestId": f"{str(identity)[:-6]}000000",
        "eTag": f'"0x{_EPOCH_TICKS + modified_ns // 100:X}"',
        "contentType": mimetypes.guess_type(path)[0] or "application/octet-stream",
        "contentLength": size,
        "blobType": "BlockBlob",
        "url": url,
        "sequencer": f"{modified_ns:032x}",
        "storageDiagnostics": {"batchId": str(uuid.uuid5(identity, "batch"))},
    }
    if in_lake:
        data["contentOffset"] = size
    return _event(container, path, BLOB_CREATED, data, identity, modified_ns)


def blob_renamed(container: Container, source: str, destination: str, renamed_ns: int) -> Event:
    """Of a Data Lake account. Both names are paths in the container, ``renamed_ns`` is in nanoseconds since 1970.

    The event has no eTag and no length; its subject names the destination.
    """
    source_url, destination_url = container.url(source, "dfs"), container.url(destination, "dfs")
    identity = uuid.uuid5(_IDS, f"{source_url} {destination_url} {renamed_ns}")
    data: dict[str, object] = {
        "api": "RenameFile",
        "clientRequestId": str(uuid.uuid5(identity, "client")),
        "requestId": f"{str(identity)[:-6]}000000",
        "destinationUrl": destination_url,
        "sourceUrl": source_url,
        "sequencer": f"{renamed_ns:032x}",
        "storageDiagnostics": {"batchId": str(uuid.uuid5(identity, "batch"))},
    }
    return _event(container, destination, BLOB_RENAMED, data, identity, renamed_ns)


def _event(
    container: Container, path: str, kind: str, data: dict[str, object], identity: uuid.UUID, at_ns: int
) -> Event:
    return Event(
        topic=container.topic,
        subject=f"/blobServices/default/containers/{container.name}/blobs/{path}",
        type=kind,
        data=data,
        id=str(identity),
        time=_EPOCH + timedelta(microseconds=at_ns // 1000),
    )
