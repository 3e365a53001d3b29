"""Waits for jobs, by the project's own run and by the plain loop, on the same engine in virtual time.

``python -m benchmarks.contestants.waiting ROUNDS SMALL MEDIUM LARGE`` prints one sample for each run.
"""

import asyncio
import gc
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from batch.names import BATCH_RUN
from batch.run.request import Binding, RunRequest
from batch.run.state import Run
from benchmarks.contestants.plain_loop import plain_loop
from benchmarks.contestants.resident_execution import ResidentExecution
from benchmarks.contestants.sdk_worker import SdkWorker
from benchmarks.contestants.waiting_app import app
from benchmarks.contestants.waiting_sample import PLAIN_LOOP, REPLAY_EVERY, REPLAYED_IN_FULL, Sample
from functions_host.durable.clock import VirtualClock
from functions_host.durable.hub_options import HubOptions
from functions_host.durable.states import RuntimeStatus
from functions_host.durable.store.store import Store
from functions_host.durable.task_hub import DurableTaskHub

WARM_UP = 3
FUNCTIONS = app.get_functions()
_DAYS_30 = 30 * 86_400


async def measure(orchestrator: str, checks: int, label: str) -> Sample:
    long = orchestrator == PLAIN_LOOP and checks > REPLAYED_IN_FULL
    resident = ResidentExecution(plain_loop) if long else None
    worker = SdkWorker(FUNCTIONS, resident, REPLAY_EVERY)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "task_hub.db")
        hub = DurableTaskHub(store, worker, HubOptions(default_version="1.4"), VirtualClock())
        hub.begin()
        gc.collect()
        started = time.process_time()
        # The SDK's client sends the input as JSON within JSON.
        run_id = await hub.start(
            orchestrator, json.dumps(json.dumps(_input())), f"{orchestrator}-{label}-{checks}"
        )
        ended = await hub.wait(run_id)
        around_replay = time.process_time() - started - worker.cpu_spent
        await hub.stop()
        store.close()
    if ended.runtime_status is not RuntimeStatus.COMPLETED:
        raise RuntimeError(f"{orchestrator} ended {ended.runtime_status}: {ended.output}")
    return Sample(
        orchestrator=orchestrator,
        checks=checks,
        episodes=worker.episodes,
        history_bytes=worker.history_bytes,
        context_bytes=worker.context_bytes,
        replay_cpu=worker.replay_cpu,
        total_cpu=around_replay + worker.replay_cpu,
    )


async def main(rounds: int, small: int, medium: int, large: int) -> None:
    for orchestrator in (BATCH_RUN, PLAIN_LOOP):
        await measure(orchestrator, WARM_UP, "warm")
    samples = [
        await measure(orchestrator, checks, f"round-{number}")
        for number in range(rounds)
        for checks in (small, medium, large)
        for orchestrator in (BATCH_RUN, PLAIN_LOOP)
        # The long plain loop costs more than all the others together, so it has one round.
        if (orchestrator, checks) != (PLAIN_LOOP, large) or number == 0
    ]
    print(json.dumps([asdict(sample) for sample in samples]))


def _input() -> object:
    request = RunRequest(
        endpoint_uri="https://endpoint.westeurope.inference.ml.azure.com/jobs",
        inputs={"input_data": Binding(type="UriFolder", uri="azureml://datastores/data/paths/2026/01/")},
        outputs={},
        deployment=None,
        experiment=None,
        poll_interval=120,
        queue_timeout=None,
        timeout=_DAYS_30,
        on_timeout="cancel",
        cancel_timeout=None,
    )
    return Run(request=request).to_json()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
