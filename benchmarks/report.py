"""Figures as tables for people; below each table its bars, each with the measured value and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from rich.console import Console
from rich.table import Table

from benchmarks.measuring import Spread, median_interval


class Verdict(StrEnum):
    MET = "met"
    UNCLEAR = "unclear"
    MISSED = "MISSED"


_STYLES = {Verdict.MET: "green", Verdict.UNCLEAR: "yellow", Verdict.MISSED: "red"}


@dataclass(frozen=True, slots=True)
class Bar:
    """``measured`` and ``limit`` are numbers of one unit; ``at_least`` reverses the comparison.

    With an ``interval`` the verdict is MISSED only if the whole interval misses the limit, and UNCLEAR if only
    the median does: noise must not fail the benchmarks, and must not pass for a success.
    """

    promise: str
    measured: float
    limit: float
    at_least: bool = False
    interval: Spread | None = None

    @classmethod
    def of_ratios(cls, promise: str, ratios: Sequence[float], limit: float, at_least: bool = False) -> Self:
        """Judged on the median of ``ratios``, each of two samples that were measured one after the other.

        A disturbance that lasts longer than a pair changes both samples, so it hardly changes their ratio.
        """
        interval = median_interval(ratios)
        return cls(promise, interval.median, limit, at_least, interval)

    @property
    def verdict(self) -> Verdict:
        if self._keeps(self.measured):
            return Verdict.MET
        if self.interval and self._keeps(self.interval.high if self.at_least else self.interval.low):
            return Verdict.UNCLEAR
        return Verdict.MISSED

    def _keeps(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


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
        verdict = f"[{_STYLES[bar.verdict]}]{bar.verdict}[/]"
        bound = "at least" if bar.at_least else "at most"
        measured = bar.interval.text() if bar.interval else _number(bar.measured)
        console.print(f"  {verdict}  {bar.promise}: {measured}, bar {bound} {_number(bar.limit)}")
    for note in figure.notes:
        console.print(f"  {note}", style="dim")
    console.print()


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
