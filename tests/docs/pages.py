"""The documentation as the tests read it."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "local/*.md", "packages/*/*.md")
    for path in ROOT.glob(pattern)
)


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


def anywhere(language: str) -> list[Block]:
    """The blocks of all documents in this language."""
    return [block for path in DOCUMENTS for block in blocks(path) if block.language == language]


def table(text: str, *head: str) -> list[list[str]]:
    """Cells of the rows of the first table whose first columns are headed so; none if there is no such table."""
    lines = iter(text.splitlines())
    start = "| " + " | ".join(head) + " |"
    for line in lines:
        if line.startswith(start):
            next(lines)
            break
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def table_anywhere(*head: str) -> list[list[str]]:
    """Of the one page that has it."""
    [rows] = [rows for path in (ROOT / "README.md", *PAGES) if (rows := table(path.read_text(), *head))]
    return rows
