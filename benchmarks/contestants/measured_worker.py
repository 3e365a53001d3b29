"""A worker that counts what each episode costs: the CPU of the replay, and the bytes that are replayed."""

import json
import time
from collections.abc import Collection

from benchmarks.contestants.resident_execution import ResidentExecution
from local.functions_host.durable.contract import Worker


class MeasuredWorker:
    """With ``resident`` only every ``replay_every``-th pair of episodes is replayed.

    An episode's CPU grows with the bytes it replays, so that of the others follows from their bytes.
    """

    def __init__(self, worker: Worker, resident: ResidentExecution | None, replay_every: int) -> None:
        self._worker = worker
        self._resident = resident
        self._replay_every = replay_every
        self.episodes = 0
        self.bytes = 0
        self.cpu_spent = 0.0
        self._replayed_bytes = 0
        self._replay_cpu = 0.0

    @property
    def replay_cpu(self) -> float:
        return self._replay_cpu * self.bytes / self._replayed_bytes

    @property
    def orchestrators(self) -> Collection[str]:
        return self._worker.orchestrators

    @property
    def activities(self) -> Collection[str]:
        return self._worker.activities

    @property
    def entities(self) -> Collection[str]:
        return self._worker.entities

    async def run_orchestrator(self, name: str, context_json: str) -> str:
        entered = time.process_time()
        size = len(context_json.encode())
        expected = self._resident.answer(context_json) if self._resident else None
        if expected is None or self.episodes // 2 % self._replay_every == 0:
            answer = await self._replay(name, context_json, size)
            if expected is not None and json.loads(expected) != json.loads(answer):
                raise AssertionError(f"Without replay {name} answered otherwise in episode {self.episodes}.")
        else:
            answer = expected
        self.episodes += 1
        self.bytes += size
        self.cpu_spent += time.process_time() - entered
        return answer

    async def run_activity(self, name: str, input_json: str, instance_id: str) -> str | None:
        return await self._worker.run_activity(name, input_json, instance_id)

    async def run_entity(self, name: str, batch_json: str) -> str:
        return await self._worker.run_entity(name, batch_json)

    async def _replay(self, name: str, context_json: str, size: int) -> str:
        started = time.process_time()
        answer = await self._worker.run_orchestrator(name, context_json)
        self._replay_cpu += time.process_time() - started
        self._replayed_bytes += size
        return answer
