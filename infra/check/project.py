"""The files that are checked, read once."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from infra.check.bicep import Template, parse

MAIN = Path("infra/main.bicep")
CONNECTIONS = Path("infra/connections.bicep")
PARAMETERS = Path("infra/main.parameters.json")
HOST = Path("host.json")
AZURE_YAML = Path("azure.yaml")


@dataclass(frozen=True)
class Project:
    """``root`` is the repository. ``replaced`` has texts that tests use in place of those of files."""

    root: Path
    replaced: dict[Path, str]

    def read(self, path: Path) -> str:
        return self.replaced[path] if path in self.replaced else (self.root / path).read_text()

    def exists(self, path: Path) -> bool:
        return path in self.replaced or (self.root / path).is_file()

    def json(self, path: Path) -> Any:
        return json.loads(self.read(path))

    def files(self, pattern: str) -> list[Path]:
        return sorted(path.relative_to(self.root) for path in self.root.glob(pattern))

    @cached_property
    def templates(self) -> dict[Path, Template]:
        return {path: parse(path, self.read(path).encode()) for path in self.files("infra/**/*.bicep")}

    def module_file(self, template: Template, reference: str) -> Path:
        """The path of the file that a module reference names, relative to the project."""
        parts: list[str] = []
        for part in PurePosixPath(template.path.parent.as_posix(), reference).parts:
            if part == ".." and parts:
                parts.pop()
            else:
                parts.append(part)
        return Path(*parts)

    def line_of(self, path: Path, wanted: str) -> int:
        """The number of the first line that contains ``wanted``; 1 if no line does."""
        lines = self.read(path).splitlines()
        return next((number for number, line in enumerate(lines, 1) if wanted in line), 1)
