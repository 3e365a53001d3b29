"""Orchestrations on the local host: real worker, SQLite, started and watched through its HTTP API.

``python -m benchmarks.contestants.local_host COUNT`` prints one sample.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.contestants.throughput_sample import sample
from benchmarks.measuring import ROOT, Memory
from functions_host.host import FunctionsHost

NAME = "two_activities"
WARM_UP = 5
_PAUSE = 0.02


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        host = FunctionsHost(ROOT / "benchmarks" / "apps" / NAME, Path(folder) / "task_hub.db", port=0)
        async with host, aiohttp.ClientSession(host.url + "/runtime/webhooks/durabletask/") as client:
            await _run(client, WARM_UP)
            before, cpu, started = Memory.of(), time.process_time(), time.perf_counter()
            await _run(client, count)
            print(sample(started, cpu, before))
            completed = await _with_status(client, "Completed", top=count + WARM_UP + 1)
            outputs = {instance["output"] for instance in completed}
            if outputs != {f"{number}-first.-second." for number in range(count)}:
                raise RuntimeError(f"{len(outputs)} of {count} outputs are there.")


async def _run(client: aiohttp.ClientSession, count: int) -> None:
    for number in range(count):
        # The SDK's client sends the input as JSON within JSON.
        async with client.post(f"orchestrators/{NAME}", json=json.dumps(number)) as answer:
            answer.raise_for_status()
    while await _with_status(client, "Pending,Running", top=1):  # noqa: ASYNC110 - over HTTP there is no event
        await asyncio.sleep(_PAUSE)


async def _with_status(client: aiohttp.ClientSession, statuses: str, top: int) -> list[dict[str, Any]]:
    async with client.get("instances", params={"runtimeStatus": statuses, "top": str(top)}) as answer:
        answer.raise_for_status()
        instances: list[dict[str, Any]] = await answer.json()
        return instances


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
