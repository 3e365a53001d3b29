"""Starts runs on an app: one, whose work it counts, or many at once, whose claims it times.

``python -m benchmarks.contestants.start APP_DIR COUNT`` prints one sample. With COUNT 1 it counts the work of the
start and of one more check. The settings of the app come from the environment.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import aiohttp

from benchmarks.contestants.observed_host import ObservedHost, Record, count_calls_of_ledger, time_posts
from benchmarks.contestants.start_sample import Sample

_CHECK_SECONDS = 3
_NO_CHECK_SECONDS = 3600
_LIMIT = 300.0
_PAUSE = 0.02


async def main(app_dir: Path, count: int) -> None:
    record = Record()
    count_calls_of_ledger(record)
    time_posts(record, os.environ["BATCH_ENDPOINT_URI"])
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AzureWebJobsStorage"] = f"sqlite:{Path(folder) / 'ledger.db'}"  # noqa: SIM112 - Azure's name
        host = ObservedHost(app_dir, Path(folder) / "task_hub.db", record)
        async with host, aiohttp.ClientSession() as client:
            sample = await (
                _work(host, client, record) if count == 1 else _claims(host, client, record, count)
            )
    print(json.dumps(asdict(sample)))


async def _work(host: ObservedHost, client: aiohttp.ClientSession, record: Record) -> Sample:
    await _start(host, client, 0, _CHECK_SECONDS)
    await _until(record, lambda: record.waiting == 1 and host.hub.is_idle)
    start = _counts(record)
    await _until(record, lambda: record.waiting == 2 and host.hub.is_idle)
    return Sample(start=start, check=_counts(record))


async def _claims(host: ObservedHost, client: aiohttp.ClientSession, record: Record, count: int) -> Sample:
    await asyncio.gather(*(_start(host, client, number, _NO_CHECK_SECONDS) for number in range(count)))
    await _until(record, lambda: record.waiting == count and host.hub.is_idle)
    if not len(record.claims) == len(record.posts) == count:
        raise RuntimeError(f"{count} runs made {len(record.posts)} POSTs for {len(record.claims)} of them.")
    return Sample(claims=list(record.claims.values()))


def _counts(record: Record) -> dict[str, int]:
    return {str(work): count for work, count in record.take().items()}


async def _start(host: ObservedHost, client: aiohttp.ClientSession, number: int, interval: int) -> None:
    request = {
        "run_id": f"start-{number:04}",
        "endpoint_input_uri": "azureml://datastores/samples/paths/data/",
        "endpoint_output_uri": "azureml://datastores/workspaceblobstore/paths/{run_id}/predictions.csv",
        "deployment": "noop",
        "poll_interval": interval,
    }
    async with client.post(f"{host.url}/api/batch-runs", json=request) as answer:
        if answer.status != 202:
            raise RuntimeError(f"The start was answered {answer.status}: {await answer.text()}")


async def _until(record: Record, reached: Callable[[], bool]) -> None:
    """Raises InvocationError if a run fails."""
    async with asyncio.timeout(_LIMIT):
        while not reached():
            if record.failure:
                raise record.failure
            await asyncio.sleep(_PAUSE)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
