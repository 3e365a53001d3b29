"""The files of a folder, and which of them have become complete since the last scan."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Version:
    """Differs whenever a file was written, replaced, moved here, or had its permissions changed.

    ``written_ns`` differs only for another content. Both times are in nanoseconds since 1970.
    """

    changed_ns: int
    size: int
    inode: int
    written_ns: int = 0

    def holds_the_same_file_as(self, other: "Version") -> bool:
        """Whether a file that was renamed had the ``other`` version before."""
        mine, others = (self.inode, self.size, self.written_ns), (other.inode, other.size, other.written_ns)
        return mine == others


@dataclass(slots=True)
class _Seen:
    version: Version
    since: float
    reported: bool


@dataclass(frozen=True, slots=True)
class Rename:
    source: str
    destination: str
    version: Version


@dataclass(frozen=True, slots=True)
class Changes:
    """``begun``: files with new content; ``complete``: files whose content does not change any more.

    ``renamed``: files whose name changed and whose content did not.
    """

    begun: Sequence[tuple[str, Version]]
    complete: Sequence[tuple[str, Version]]
    renamed: Sequence[Rename] = ()


@dataclass(slots=True)
class FolderMemory:
    """Reports each content of each file once, after it has not changed for ``unchanged_for`` seconds.

    With ``knows_renames`` a file that has another name is the same content. Otherwise it is a new one.
    """

    unchanged_for: float
    knows_renames: bool = False
    _files: dict[str, _Seen] = field(default_factory=dict)

    def know(self, files: Mapping[str, Version]) -> None:
        """Marks these as reported."""
        self._files = {path: _Seen(version, 0.0, reported=True) for path, version in files.items()}

    def changes(self, files: Mapping[str, Version], now: float) -> Changes:
        """``files`` are all files of the folder at ``now`` (seconds, monotonic)."""
        begun: list[tuple[str, Version]] = []
        complete: list[tuple[str, Version]] = []
        renamed = self._follow_renames(files, now, complete) if self.knows_renames else []
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
        return Changes(begun, complete, renamed)

    def _follow_renames(
        self, files: Mapping[str, Version], now: float, complete: list[tuple[str, Version]]
    ) -> list[Rename]:
        """Moves what is known of a renamed file to its new name. A file that is renamed is ``complete``."""
        gone = {self._files[path].version.inode: path for path in self._files.keys() - files.keys()}
        renamed = []
        for path, version in files.items():
            source = gone.get(version.inode)
            if source is None or not version.holds_the_same_file_as(self._files[source].version):
                continue
            before = self._files.pop(source)
            if not before.reported:
                complete.append((source, before.version))
            # The rename of a folder changes no file in it, and no event tells of them.
            if version != before.version:
                renamed.append(Rename(source, path, version))
            self._files[path] = _Seen(version, now, reported=True)
        return renamed


def scan(folder: Path) -> dict[str, Version]:
    """Regular files below ``folder`` by their path with slashes, links to files included.

    Skips names that are not valid UTF-8, because no blob can have one, and files that vanish during the scan.
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
    if not _is_text(entry.name):
        return
    if entry.is_dir(follow_symlinks=False):
        prefixes.append(f"{prefix}{entry.name}/")
    elif entry.is_file():
        try:
            stat = entry.stat()
        except FileNotFoundError:
            return
        files[prefix + entry.name] = Version(stat.st_ctime_ns, stat.st_size, stat.st_ino, stat.st_mtime_ns)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
