"""The files of a folder, and which of them have become complete since the last scan."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Version:
    """Differs whenever a file was written, replaced, moved here, or had its permissions changed."""

    changed_ns: int
    size: int
    inode: int


@dataclass(slots=True)
class _Seen:
    version: Version
    since: float
    reported: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """``begun``: files with new content; ``complete``: files whose content does not change any more."""

    begun: Sequence[tuple[str, Version]]
    complete: Sequence[tuple[str, Version]]


@dataclass(slots=True)
class FolderMemory:
    """Reports each content of each file once, after it has not changed for ``unchanged_for`` seconds."""

    unchanged_for: float
    _files: dict[str, _Seen] = field(default_factory=dict)

    def know(self, files: Mapping[str, Version]) -> None:
        """Marks these as reported."""
        self._files = {path: _Seen(version, 0.0, reported=True) for path, version in files.items()}

    def changes(self, files: Mapping[str, Version], now: float) -> Changes:
        """``files`` are all files of the folder at ``now`` (seconds, monotonic)."""
        begun, complete = [], []
        for path, version in files.items():
            seen = self._files.get(path)
            if seen is None or seen.version != version:
                if seen is None or seen.reported:
                    begun.append((path, version))
                self._files[path] = seen = _Seen(version, now, reported=False)
            if not seen.reported and now - seen.since >= self.unchanged_for:
                seen.reported = True
                complete.append((path, version))
        for gone in self._files.keys() - files.keys():
            del self._files[gone]
        return Changes(begun, complete)


def scan(folder: Path) -> dict[str, Version]:
    """Regular files below ``folder`` by their path with slashes, links to files included.

    Skips names that begin with a dot, because programs use them for unfinished files; names that are not valid
    UTF-8, because no blob can have one; and files that vanish during the scan.
    """
    files: dict[str, Version] = {}
    prefixes = [""]
    while prefixes:
        prefix = prefixes.pop()
        try:
            with os.scandir(folder / prefix) as entries:
                for entry in entries:
                    _look_at(entry, prefix, files, prefixes)
        except (FileNotFoundError, NotADirectoryError):
            continue
    return files


def _look_at(entry: os.DirEntry[str], prefix: str, files: dict[str, Version], prefixes: list[str]) -> None:
    if entry.name.startswith(".") or not _is_text(entry.name):
        return
    if entry.is_dir(follow_symlinks=False):
        prefixes.append(f"{prefix}{entry.name}/")
    elif entry.is_file():
        try:
            stat = entry.stat()
        except FileNotFoundError:
            return
        files[prefix + entry.name] = Version(stat.st_ctime_ns, stat.st_size, stat.st_ino)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
