"""The files that are deployed: those that ``.funcignore`` does not name."""

import os
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from infra.check.project import Project

IGNORE = Path(".funcignore")


def deployed_files(project: Project) -> list[Path]:
    """Relative to the project, sorted."""
    ignored = GitIgnoreSpec.from_lines(project.read(IGNORE).splitlines())
    return sorted(_files(project.root, Path(), ignored))


def _files(root: Path, folder: Path, ignored: GitIgnoreSpec) -> Iterator[Path]:
    for entry in os.scandir(root / folder):
        path = folder / entry.name
        if entry.is_dir():
            if not ignored.match_file(f"{path.as_posix()}/"):
                yield from _files(root, path, ignored)
        elif not ignored.match_file(path.as_posix()):
            yield path
