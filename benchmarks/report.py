"""Figures as tables that people can read, each bar with what was measured beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Bar:
    """``measured`` and ``limit`` are numbers of one unit; ``at_least`` turns the comparison round."""

    promise: str
    measured: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """``columns`` and ``rows`` are texts as shown; ``notes`` say how to read them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    bars: Sequence[Bar] = ()
    notes: Sequence[str] = field(default=())


def show(console: Console, figure: Figure, *, judged: bool) -> None:
    table = Table(title=figure.title, title_justify="left", title_style="bold")
    for index, column in enumerate(figure.columns):
        table.add_column(column, justify="right" if index else "left")
    for row in figure.rows:
        table.add_row(*row)
    console.print(table)
    for bar in figure.bars if judged else ():
        verdict = "[green]met[/]" if bar.met else "[red]MISSED[/]"
        bound = "at least" if bar.at_least else "at most"
        console.print(
            f"  {verdict}  {bar.promise}: {_number(bar.measured)}, bar {bound} {_number(bar.limit)}"
        )
    for note in figure.notes:
        console.print(f"  {note}", style="dim")
    console.print()


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
