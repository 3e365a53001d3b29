"""Each redraw begins where the last one did, whatever width the terminal has got meanwhile."""

import io
import re

import pytest
from rich.console import Console
from rich.table import Table

from client.follow_view import block, to_copy
from client.redrawn_block import RedrawnBlock
from client.run_client import View
from tests.batch.builders import STUDIO_URL, after, result, run, view_of

ENDED: View = dict(view_of("Completed", None, result(run(status="Completed"), after(60)), state=run()))


def terminal(width: int, height: int = 40) -> Console:
    return Console(file=io.StringIO(), width=width, height=height, force_terminal=True)


def drawn(console: Console) -> str:
    """What was written since the last call."""
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    console.file.seek(0)
    console.file.truncate()
    return text


def rows_up(text: str) -> int:
    match = re.match(r"\x1b\[(\d+)A\r\x1b\[J", text)
    return int(match[1]) if match else 0


def table(*lines: str) -> Table:
    grid = Table.grid()
    grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row(line)
    return grid


def test_the_block_is_erased_and_drawn_again() -> None:
    console = terminal(80)
    block = RedrawnBlock(console)
    block.draw(table("a" * 70, "b"))
    assert rows_up(first := drawn(console)) == 0
    assert first.splitlines() == ["a" * 70, "b"], (
        "no padding, which a narrower terminal would break into rows"
    )
    block.draw(table("c"))
    assert rows_up(drawn(console)) == 2
    block.draw(table("d"))
    assert rows_up(drawn(console)) == 1


def test_lines_that_a_narrower_terminal_has_broken_are_erased_as_a_whole() -> None:
    console = terminal(80)
    block = RedrawnBlock(console)
    block.draw(table("a" * 70, "", "b" * 10))
    drawn(console)
    console.width = 30
    block.draw(table("c"))
    assert rows_up(drawn(console)) == 3 + 1 + 1


def test_a_block_higher_than_the_terminal_is_cut_until_its_end() -> None:
    console = terminal(80, height=5)
    block = RedrawnBlock(console)
    block.draw(table(*"abcdefgh"))
    assert drawn(console).splitlines() == ["a", "b", "c", "d"]
    block.draw(table(*"abcdefgh"), last=True)
    text = drawn(console)
    assert rows_up(text) == 4
    assert text.endswith("a\nb\nc\nd\ne\nf\ng\nh\n")


@pytest.mark.parametrize("width", [100, 44])
def test_nothing_is_cut_that_a_person_must_copy(width: int) -> None:
    console = terminal(width)
    command = f"az role assignment create --scope /subscriptions/{'x' * 60}"
    trouble = {
        "code": "access_denied",
        "message": "See " + "https://a.example/" + "y" * 90,
        "advice": "z" * 120,
    }
    job = {
        "name": "batchjob-" + "0" * 50,
        "status": "Running",
        "studio_url": "https://ml.example/" + "u" * 90,
    }
    view = {**ENDED, "error": None, "problem": {**trouble, "command": command}, "job": job}
    RedrawnBlock(console).draw(block(view))
    text = re.sub(r"\x1b\[[\d;]*m", "", drawn(console))
    assert all(len(line) <= width for line in text.splitlines())
    # Without the label and the indentation of each line.
    shown = "".join(line[12:] for line in text.splitlines())
    squeezed = shown.replace(" ", "")
    for whole in (command, trouble["message"], trouble["advice"], job["name"], job["studio_url"]):
        assert whole.replace(" ", "") in squeezed
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_what_is_to_be_copied_is_what_the_advice_needs() -> None:
    assert to_copy({**ENDED, "error": None}) == {}
    error = {"code": "access_denied", "message": "No.", "advice": "Give it.", "command": "az role …"}
    told = to_copy({**ENDED, "error": error})
    assert list(told.values()) == ["az role …", STUDIO_URL]
    assert to_copy({**ENDED, "error": error, "job": None}) == {"command": "az role …"}


@pytest.mark.parametrize(
    ("folder_count", "told"),
    [
        (None, "incoming/monday, 1 file"),
        (6, "incoming/monday, 1 new of 6 files, scores the whole folder again"),
    ],
)
def test_the_block_tells_the_new_data(folder_count: int | None, told: str) -> None:
    source = {"container": "incoming", "folder": "monday", "count": 1, "names": ["f.csv"]}
    view = {**ENDED, "source": {**source, **({"folder_count": folder_count} if folder_count else {})}}
    console = terminal(120)
    console.print(block(view))
    [line] = [line for line in drawn(console).splitlines() if line.startswith("new data")]
    assert line.split("new data")[1].strip() == told
