"""The documentation as the tests read it."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))


@dataclass(frozen=True)
class Block:
    """A fenced block; ``info`` is what stands behind the fence."""

    page: str
    info: str
    text: str

    @property
    def language(self) -> str:
        return self.info.partition(" ")[0]


def blocks(page: Path) -> list[Block]:
    found = re.findall(r"^```(\S[^\n]*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [Block(page.name, info, text) for info, text in found]


def table(text: str, first_column: str) -> list[list[str]]:
    """Cells of the rows of the first table whose first column is headed so."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {first_column} |"):
            next(lines)
            break
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows
