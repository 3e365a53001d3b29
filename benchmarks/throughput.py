"""Orchestrations of two activities, all started at once: the local host against an in-memory backend."""

from collections.abc import Sequence

from benchmarks.contestants.throughput_sample import ThroughputSample
from benchmarks.measuring import Spread, contestant
from benchmarks.report import Bar, Figure

_OURS, _THEIRS = "local_host", "in_memory_backend"
_NAMES = {_OURS: "local host, in SQLite", _THEIRS: "durabletask, in memory"}


def figure(quick: bool) -> Figure:
    count, rounds = (20, 1) if quick else (1_000, 3)
    samples: dict[str, list[ThroughputSample]] = {_OURS: [], _THEIRS: []}
    for number in range(rounds):
        # The first one may leave the machine in another state, so they take turns.
        for name in (_OURS, _THEIRS) if number % 2 == 0 else (_THEIRS, _OURS):
            samples[name].append(ThroughputSample(**contestant(name, count)))
    ratios = [theirs.wall / ours.wall for ours, theirs in zip(samples[_OURS], samples[_THEIRS], strict=True)]
    return Figure(
        title=f"Local host throughput: {count:,} orchestrations of two activities each, started at once",
        columns=("", "start to last end, s", "per second", "CPU, s", "idle, MB", "peak, MB"),
        rows=[_row(name, samples[name], count) for name in (_OURS, _THEIRS)],
        bars=[
            Bar.of_ratios(
                "local host's speed as a multiple of the in-memory backend's", ratios, 1, at_least=True
            )
        ],
        notes=[
            "Client, worker and engine in one process; ours is started over HTTP, the backend over gRPC. "
            f"Ratios of the rounds: {', '.join(f'{ratio:.2f}' for ratio in ratios)}."
        ],
    )


def _row(name: str, samples: Sequence[ThroughputSample], count: int) -> list[str]:
    return [
        _NAMES[name],
        Spread.of([each.wall for each in samples]).text(1),
        f"{count / Spread.of([each.wall for each in samples]).median:,.0f}",
        Spread.of([each.cpu for each in samples]).text(1),
        Spread.of([each.idle_memory for each in samples]).text(0),
        Spread.of([each.peak_memory for each in samples]).text(0),
    ]
