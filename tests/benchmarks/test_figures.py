"""Each figure is measured at its smallest size: what it measured is there, and it is judged right."""

import io

import pytest
from rich.console import Console

from benchmarks import cold_start, cost_of_waiting, thousand_waiting, throughput
from benchmarks.contestants.waiting_sample import REPLAYED_IN_FULL
from benchmarks.measuring import Spread, contestant, percentile
from benchmarks.report import Bar, Figure, show


def test_the_cost_of_waiting_counts_every_episode() -> None:
    figure = cost_of_waiting.figure(quick=True)
    episodes = {(row[0], row[1]): row[-1] for row in figure.rows}
    assert episodes[("this run", "12")] == "37"  # three a check, and one for each step before the first
    assert episodes[("plain loop", "12")] == "26"  # two a check, and one for each step before the first


def test_a_long_plain_loop_is_told_without_replaying_it_all() -> None:
    checks = REPLAYED_IN_FULL + 1
    samples = contestant("waiting", 1, 1, 2, checks)
    (long,) = (each for each in samples if (each["orchestrator"], each["checks"]) == ("plain_loop", checks))
    assert long["episodes"] == 2 * checks + 2
    assert 0 < long["replay_cpu"] < long["total_cpu"]


def test_throughput_runs_both_contestants() -> None:
    figure = throughput.figure(quick=True)
    assert len(figure.rows) == 2
    assert figure.bars[0].measured > 0


def test_cold_start_names_what_the_app_adds() -> None:
    assert "pydantic" in cold_start.figure(quick=True).notes[1]


def test_waiting_runs_all_end_completed_with_a_job_each() -> None:
    figure = thousand_waiting.figure(quick=True)
    assert [bar.measured for bar in figure.bars] == [10, 10, 10]
    assert all(bar.met for bar in figure.bars)


@pytest.mark.parametrize(
    ("measured", "limit", "at_least", "met"),
    [(1.3, 1.3, False, True), (1.31, 1.3, False, False), (100, 100, True, True), (99.9, 100, True, False)],
)
def test_a_bar_is_met_up_to_its_limit(measured: float, limit: float, at_least: bool, met: bool) -> None:
    assert Bar("it", measured, limit, at_least).met is met


@pytest.mark.parametrize(("judged", "shown"), [(True, True), (False, False)])
def test_bars_are_shown_only_where_they_are_meant(judged: bool, shown: bool) -> None:
    console = Console(file=io.StringIO(), width=100)
    show(console, Figure("Title", ("", "a"), [("row", "1")], [Bar("promise", 2, 1)]), judged=judged)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert ("MISSED" in text) is shown


@pytest.mark.parametrize(("percent", "expected"), [(50, 2), (99, 4), (100, 4), (1, 1), (25, 1), (26, 2)])
def test_a_percentile_is_a_sample(percent: float, expected: float) -> None:
    assert percentile([4, 1, 3, 2], percent) == expected


def test_a_spread_without_width_is_one_number() -> None:
    assert (Spread.of([2.0]).text(), Spread.of([1.0, 2.0, 4.0]).text(1)) == ("2.00", "2.0 (1.0–4.0)")  # noqa: RUF001
