"""The same orchestrations on durabletask's in-memory test backend, with its own worker and client.

``python -m benchmarks.contestants.in_memory_backend COUNT`` prints one sample.
"""

import logging
import socket
import sys
import time
from collections.abc import Generator
from typing import Any

from durabletask.client import OrchestrationStatus, TaskHubGrpcClient
from durabletask.task import ActivityContext, OrchestrationContext
from durabletask.testing import create_test_backend
from durabletask.worker import TaskHubGrpcWorker

from benchmarks.contestants.throughput_sample import sample
from benchmarks.measuring import Memory

WARM_UP = 5
_LIMIT = 300


def append(_: ActivityContext, text: str) -> str:
    return f"{text}."


def two_activities(context: OrchestrationContext, number: int) -> Generator[Any, Any, str]:
    first: str = yield context.call_activity(append, input=f"{number}-first")
    second: str = yield context.call_activity(append, input=f"{first}-second")
    return second


def main(count: int) -> None:
    logger = logging.getLogger("contestant")
    logger.setLevel(logging.ERROR)
    address = f"127.0.0.1:{_free_port()}"
    backend = create_test_backend(int(address.rpartition(":")[2]))
    worker = TaskHubGrpcWorker(host_address=address, logger=logger)
    worker.add_orchestrator(two_activities)
    worker.add_activity(append)
    worker.start()
    client = TaskHubGrpcClient(host_address=address, logger=logger)
    try:
        _run(client, WARM_UP)
        before, cpu, started = Memory.of(), time.process_time(), time.perf_counter()
        _run(client, count)
        print(sample(started, cpu, before))
    finally:
        client.close()
        worker.stop()
        backend.stop()


def _run(client: TaskHubGrpcClient, count: int) -> None:
    run_ids = [client.schedule_new_orchestration(two_activities, input=number) for number in range(count)]
    for number, run_id in enumerate(run_ids):
        state = client.wait_for_orchestration_completion(run_id, timeout=_LIMIT)
        if state is None or state.runtime_status is not OrchestrationStatus.COMPLETED:
            raise RuntimeError(f"Orchestration {number} did not complete: {state}")
        if state.get_output() != f"{number}-first.-second.":
            raise RuntimeError(f"Orchestration {number} ended with {state.get_output()}.")


def _free_port() -> int:
    # The backend does not report its port, so it cannot choose one.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main(int(sys.argv[1]))
