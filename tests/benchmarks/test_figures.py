"""Each figure is measured at its smallest size. Then: how a bar is judged, and how it is shown."""

import io
import random
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import cold_start, cost_of_waiting, isolation, thousand_waiting, throughput
from benchmarks.__main__ import FIGURES, main
from benchmarks.contestants.waiting_sample import REPLAYED_IN_FULL
from benchmarks.measuring import Spread, contestant, median_interval, percentile
from benchmarks.report import Bar, Figure, Verdict, show


def test_the_cost_of_waiting_counts_every_episode() -> None:
    figure = cost_of_waiting.figure(quick=True)
    episodes = {(row[0], row[1]): row[-1] for row in figure.rows}
    # Three a check, and one for each step before the first or after the last.
    assert episodes[("this run", "12")] == "38"
    assert episodes[("plain loop", "12")] == "26"  # two a check, and one for each step before the first


def test_a_long_plain_loop_is_measured_without_replaying_all_of_it() -> None:
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
    assert all(bar.verdict is Verdict.MET for bar in figure.bars)


def test_isolation_measures_beside_requests_that_hang() -> None:
    figure = isolation.figure(quick=True)
    assert [row[-1] for row in figure.rows] == ["0", "3", "1"]
    assert all(bar.measured > 0 for bar in figure.bars)


@pytest.mark.parametrize(
    ("measured", "limit", "at_least", "met"),
    [(1.3, 1.3, False, True), (1.31, 1.3, False, False), (100, 100, True, True), (99.9, 100, True, False)],
)
def test_a_bar_is_met_up_to_its_limit(measured: float, limit: float, at_least: bool, met: bool) -> None:
    assert Bar("it", measured, limit, at_least).verdict is (Verdict.MET if met else Verdict.MISSED)


@pytest.mark.parametrize(("judged", "shown"), [(True, True), (False, False)])
def test_bars_are_shown_only_if_they_are_judged(judged: bool, shown: bool) -> None:
    console = Console(file=io.StringIO(), width=100)
    show(console, Figure("Title", ("", "a"), [("row", "1")], [Bar("promise", 2, 1)]), judged=judged)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert ("MISSED" in text) is shown


@pytest.mark.parametrize(("percent", "expected"), [(50, 2), (99, 4), (100, 4), (1, 1), (25, 1), (26, 2)])
def test_a_percentile_is_a_sample(percent: float, expected: float) -> None:
    assert percentile([4, 1, 3, 2], percent) == expected


def test_a_spread_without_width_is_one_number() -> None:
    assert (Spread.of([2.0]).text(), Spread.of([1.0, 2.0, 4.0]).text(1)) == ("2.00", "2.0 (1.0–4.0)")  # noqa: RUF001


@pytest.mark.parametrize(
    ("count", "ends"), [(1, (1, 1)), (5, (1, 5)), (6, (1, 6)), (15, (4, 12)), (21, (6, 16))]
)
def test_the_interval_of_a_median_is_that_of_the_sign_test(count: int, ends: tuple[int, int]) -> None:
    samples = random.Random(count).sample(range(1, count + 1), count)  # noqa: S311 - repeatable on purpose
    assert median_interval(samples) == Spread((count + 1) / 2, *ends)


def ratios(median: float, chance: random.Random) -> list[float]:
    """Pairs on a busy machine: most ratios differ by some percent, one in six by up to 80 %."""
    noise = [0.8 if chance.random() < 1 / 6 else 0.06 for _ in range(21)]
    return [median * (1 + chance.uniform(-width, width)) for width in noise]


@pytest.mark.parametrize(("median", "least", "most"), [(1.25, 0, 0), (1.35, 0, 0.05), (1.45, 0.9, 1.0)])
def test_noise_does_not_miss_a_bar_and_a_slower_app_does(median: float, least: float, most: float) -> None:
    chance = random.Random(0)  # noqa: S311 - repeatable on purpose
    bars = [Bar.of_ratios("it", ratios(median, chance), 1.35) for _ in range(500)]
    missed = sum(bar.verdict is Verdict.MISSED for bar in bars) / len(bars)
    assert least <= missed <= most


@pytest.mark.parametrize(("limit", "at_least"), [(1.3, False), (1.5, True)])
def test_a_bar_within_the_interval_is_unclear_and_shown_as_such(limit: float, at_least: bool) -> None:
    bar = Bar.of_ratios("promise", [1.2, 1.4, 1.6], limit, at_least)
    console = Console(file=io.StringIO(), width=100)
    show(console, Figure("Title", ("", "a"), [("row", "1")], [bar]), judged=True)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert bar.verdict is Verdict.UNCLEAR
    assert "unclear  promise: 1.40 (1.20–1.60)" in text  # noqa: RUF001


@pytest.mark.parametrize(("ratio", "code"), [(1.0, 0), (2.0, 1)])
def test_only_a_missed_bar_fails_the_benchmarks(
    ratio: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def figure(quick: bool) -> Figure:
        bars = [Bar.of_ratios("one", [ratio] * 3, 1.5), Bar.of_ratios("unclear", [1.0, 1.6, 1.7], 1.5)]
        return Figure("Title", ("", "a"), [("row", "1")], bars)

    monkeypatch.setattr("sys.argv", ["benchmarks", "--only", "job-end"])
    monkeypatch.setitem(FIGURES, "job-end", figure)
    assert main() == code
    assert "unclear  unclear" in capsys.readouterr().out


def test_the_readme_lists_each_figure() -> None:
    readme = Path("benchmarks/README.md").read_text()
    assert [line.split("`")[1] for line in readme.splitlines() if line.startswith("- `")][
        : len(FIGURES)
    ] == list(FIGURES)
