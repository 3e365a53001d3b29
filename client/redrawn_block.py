"""A block of lines on a terminal that is drawn again in its place, also after the terminal has become narrower."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, RenderableType
from rich.segment import Segment, Segments


@dataclass(slots=True)
class RedrawnBlock:
    """``_lengths`` are those of the lines that stand on the terminal now."""

    console: Console
    _lengths: list[int] = field(default_factory=list, init=False)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Hides the cursor meanwhile. What was drawn last stays."""
        self.console.show_cursor(False)
        try:
            yield
        finally:
            self.console.show_cursor(True)

    def draw(self, block: RenderableType, *, last: bool = False) -> None:
        """Only as many lines as the terminal has, unless it is the ``last`` time: none changes that has left."""
        lines = [_without_padding(line) for line in self.console.render_lines(block, pad=False)]
        if not last:
            lines = lines[: self.console.height - 1]
        if rows := self._rows():
            self.console.file.write(f"\x1b[{rows}A\r\x1b[J")
        self.console.print(Segments(segment for line in lines for segment in (*line, Segment.line())), end="")
        self._lengths = [Segment.get_line_length(line) for line in lines]

    def _rows(self) -> int:
        """How many the block takes: a terminal that becomes narrower continues long lines on the next row."""
        width = max(self.console.width, 1)
        rows = sum(max(1, -(-length // width)) for length in self._lengths)
        return min(rows, self.console.height - 1)


def _without_padding(line: list[Segment]) -> list[Segment]:
    while line and not line[-1].text.strip():
        line = line[:-1]
    return [*line[:-1], Segment(line[-1].text.rstrip(), line[-1].style)] if line else []
