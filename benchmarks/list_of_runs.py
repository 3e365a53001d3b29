"""Lists of 20 of many runs that are kept: on SQLite, and on Azurite in place of Azure Table Storage."""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.azurite import ACCOUNT, AZURITE, azurite
from benchmarks.contestants.listing_sample import Sample
from benchmarks.kept_runs import UNDER_WAY, fill_emulator, fill_sqlite, rows_of_runs, run_id
from benchmarks.measuring import Spread, contestant, median_interval
from benchmarks.report import Bar, Figure
from ledger.connection import table_name

_TOP = 20
_QUERIES = {"under way": f"top={_TOP}", "ended": f"top={_TOP}&phase=Completed"}
_NEWER = {"under way": 0, "ended": UNDER_WAY}
"""How many runs are newer than those of the list."""

_HUB = "BatchEndpointRuns"


def figure(quick: bool) -> Figure:
    count, lists = (150, 6) if quick else (100_000, 101)
    rows = asyncio.run(rows_of_runs(count))
    samples: dict[tuple[str, str], Sample] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        asyncio.run(fill_sqlite(path, rows))
        for which in _QUERIES:
            samples["SQLite", which] = _sample(f"sqlite:{path}", which, count, lists)
    if AZURITE.exists():
        with tempfile.TemporaryDirectory() as folder:
            fill_emulator(Path(folder), ACCOUNT, table_name(_HUB), rows)
            with azurite(Path(folder)) as connection:
                for which in _QUERIES:
                    samples["Azurite", which] = _sample(connection, which, count, lists)
    return Figure(
        title=f"Lists of {_TOP} of {count:,} runs that are kept, by GET batch-runs",
        columns=("", "ms", "reads of ledger and task hub"),
        rows=[
            *(
                [f"{store}, newest {which}", Spread.of(_milliseconds(sample)).text(1), str(sample.reads)]
                for (store, which), sample in samples.items()
            ),
            *([] if AZURITE.exists() else [["Azurite", "not installed: make azurite", ""]]),
        ],
        bars=[
            bar for (store, which), sample in samples.items() for bar in _bars(f"{store}, {which}", sample)
        ],
        notes=[
            f"{lists} lists, one after the other. The task hub is asked about a run under way, not about one that "
            "has ended. The emulator looks through all rows for a list; Azure Table Storage begins at the row key."
        ],
    )


def _sample(connection: str, which: str, count: int, lists: int) -> Sample:
    environment = {**os.environ, "AzureWebJobsStorage": connection}
    sample = Sample(**contestant("listing", lists, _QUERIES[which], **environment))
    expected = [run_id(count - _NEWER[which] - number) for number in range(1, _TOP + 1)]
    if sample.runs != expected:
        raise RuntimeError(f"The list has {sample.runs}.")
    return sample


def _milliseconds(sample: Sample) -> Sequence[float]:
    return [seconds * 1000 for seconds in sample.seconds]


def _bars(name: str, sample: Sample) -> list[Bar]:
    interval = median_interval(_milliseconds(sample))
    return [
        Bar(f"a list, {name}, ms", interval.median, 100, interval=interval),
        Bar(f"reads of a list, {name}", sample.reads, 1 + _TOP),
    ]
