"""Links of the documentation reach a file and a heading, and each page is reached."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import DOCS, DOCUMENTS, PAGES, ROOT


def anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def links() -> Iterator[Any]:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text()):
            yield pytest.param(path, target, id=f"{path.relative_to(ROOT)} {target}")


@pytest.mark.parametrize(("path", "target"), list(links()))
def test_each_link_reaches_its_target(path: Path, target: str) -> None:
    name, _, anchor = target.partition("#")
    file = (path.parent / name).resolve() if name else path
    assert file.exists()
    assert not anchor or anchor in anchors(file)


def test_the_index_reaches_each_page() -> None:
    index = DOCS / "README.md"
    reached = set(re.findall(r"\]\((\S+\.md)\)", index.read_text()))
    assert reached >= {path.name for path in PAGES} - {index.name}
