"""Lists runs of the app on the local host, whose ledger is at ``AzureWebJobsStorage`` and whose task hub is empty.

``python -m benchmarks.contestants.listing LISTS QUERY`` prints one sample.
"""

import asyncio
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import aiohttp

from benchmarks.contestants.listing_sample import Sample
from benchmarks.contestants.observed_host import ObservedHost, Record, count_calls_of_ledger
from benchmarks.measuring import ROOT

_WARM_UP = 3


async def main(lists: int, query: str) -> None:
    record = Record()
    count_calls_of_ledger(record)
    seconds, reads, runs = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        host = ObservedHost(ROOT, Path(folder) / "task_hub.db", record)
        async with host, aiohttp.ClientSession() as client:
            for _ in range(_WARM_UP + lists):
                started = time.perf_counter()
                async with client.get(f"{host.url}/api/batch-runs?{query}") as answer:
                    answer.raise_for_status()
                    page = await answer.json()
                seconds.append(time.perf_counter() - started)
                reads.append(record.take().total())
                runs = [run["run_id"] for run in page["runs"]]
    print(json.dumps(asdict(Sample(seconds[_WARM_UP:], max(reads), runs))))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
