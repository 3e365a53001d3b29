"""What it costs to wait for a job: CPU, and history bytes that are replayed."""

from collections.abc import Sequence

from batch.names import BATCH_RUN
from benchmarks.contestants.waiting_sample import PLAIN_LOOP, REPLAY_EVERY, Sample
from benchmarks.measuring import Spread, contestant
from benchmarks.report import Bar, Figure

_NAMES = {BATCH_RUN: "this run", PLAIN_LOOP: "plain loop"}


def figure(quick: bool) -> Figure:
    checks, rounds = ((3, 6, 12), 1) if quick else ((10, 90, 720), 3)
    samples = [Sample(**sample) for sample in contestant("waiting", rounds, *checks)]
    _, medium, large = checks
    ours, plain = _of(samples, BATCH_RUN, large), _of(samples, PLAIN_LOOP, large)
    return Figure(
        title="Cost of waiting, one check every 120 s (virtual time; same SDK, engine and activities)",
        columns=(
            "",
            "checks",
            "replay CPU, s",
            "CPU in all, s",
            "ms a check",
            "history, MB",
            "context, MB",
            "episodes",
        ),
        rows=[
            _row(_of(samples, orchestrator, size))
            for size in checks
            for orchestrator in (BATCH_RUN, PLAIN_LOOP)
        ],
        bars=[
            Bar(
                f"plain loop's history bytes as a multiple of this run's, {large} checks",
                plain[0].history_bytes / ours[0].history_bytes,
                100,
                at_least=True,
            ),
            # The long plain loop has one round, so its one sample is compared with each of this run's.
            Bar.of_ratios(
                f"plain loop's replay CPU as a multiple of this run's, {large} checks",
                [plain[0].replay_cpu / each.replay_cpu for each in ours],
                100,
                at_least=True,
            ),
            Bar.of_ratios(
                f"this run's CPU a check at {large} checks, against {medium}",
                _growth(_of(samples, BATCH_RUN, medium), ours),
                1.3,
            ),
        ],
        notes=[
            "Replay: what the SDK spends. In all: with the local engine, which in Azure is a part of the host. "
            f"By CPU in all the plain loop costs {plain[0].total_cpu / _median(ours, 'total_cpu'):,.0f} times as "
            f"much, by whole contexts (history and input) {plain[0].context_bytes / ours[0].context_bytes:,.0f}.",
            f"Of the plain loop's {large} checks every {REPLAY_EVERY}th was replayed and the others' CPU taken "
            "in proportion to their bytes; the bytes are counted in all.",
        ],
    )


def _of(samples: Sequence[Sample], orchestrator: str, checks: int) -> list[Sample]:
    return [each for each in samples if (each.orchestrator, each.checks) == (orchestrator, checks)]


def _row(samples: Sequence[Sample]) -> list[str]:
    one = samples[0]
    total = Spread.of([each.total_cpu for each in samples])
    return [
        _NAMES[one.orchestrator],
        str(one.checks),
        Spread.of([each.replay_cpu for each in samples]).text(),
        total.text(),
        f"{total.median / one.checks * 1000:,.1f}",
        f"{one.history_bytes / 1e6:,.2f}",
        f"{one.context_bytes / 1e6:,.2f}",
        str(one.episodes),
    ]


def _median(samples: Sequence[Sample], field: str) -> float:
    return Spread.of([getattr(each, field) for each in samples]).median


def _growth(few: Sequence[Sample], many: Sequence[Sample]) -> list[float]:
    """A ratio for each round, in which the two were measured one after the other."""
    return [
        (more.total_cpu / more.checks) / (less.total_cpu / less.checks)
        for less, more in zip(few, many, strict=True)
    ]
