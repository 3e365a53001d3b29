"""Run history: what Azure ML keeps of a job and of its steps, such as their errors and where their logs are.

The addresses and the fields are those that Microsoft's own SDK uses (azure-ai-ml). Nothing of an answer is trusted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from batch.addresses import Origin, WorkspaceId, is_job_name
from batch.azure_ml.answer import mapping_of
from batch.azure_ml.endpoint import read_job
from batch.azure_ml.rest import AnswerLost, read
from batch.errors import ErrorCode, RunError
from batch.settings import Settings
from batch.thread_pools import ThreadPool

_API_VERSION = {"api-version": "v1.0"}
_DEEPEST_STEP = 3
"""A pipeline may have pipelines as steps."""


@dataclass(frozen=True, slots=True)
class HistoryRun:
    """A job, or a step of it. ``run_id`` is its name in Azure ML.

    ``logs`` are addresses by the names of files. Each holds a signature: they are not stored, logged or shown.
    """

    run_id: str
    step: str | None
    status: str
    is_pipeline: bool
    error: Mapping[str, Any]
    ended_at: str
    logs: Mapping[str, str] = field(repr=False)

    @property
    def failed(self) -> bool:
        return self.status == "Failed"

    @classmethod
    def parse(cls, body: Mapping[str, Any], run_id: str | None = None) -> Self | None:
        """None if ``body`` names no run, or another one than ``run_id``, which is what was asked for."""
        found = body.get("runId") or run_id
        if not isinstance(found, str) or not is_job_name(found):
            return None
        # Azure does not distinguish capital letters in the names of resources.
        if run_id and found.casefold() != run_id.casefold():
            return None
        texts = {name: value for name, value in body.items() if isinstance(value, str)}
        return cls(
            run_id=found,
            step=texts.get("displayName") or texts.get("name"),
            status=texts.get("status", ""),
            is_pipeline="pipeline" in texts.get("runType", "").lower(),
            error=mapping_of(mapping_of(body.get("error")).get("error")),
            ended_at=texts.get("endTimeUtc", ""),
            logs={
                name: url for name, url in mapping_of(body.get("logFiles")).items() if isinstance(url, str)
            },
        )


@dataclass(frozen=True, slots=True)
class RunHistory:
    """The history of one job, read by the threads of ``pool``. Each method raises RunError."""

    origin: Origin
    workspace_id: WorkspaceId
    job_name: str
    audience: str
    pool: ThreadPool

    @classmethod
    async def of_job(cls, endpoint_uri: str, job_name: str, settings: Settings, pool: ThreadPool) -> Self:
        """Reads the job at its endpoint: only the job tells its region and its workspace."""
        job = await pool.run(read_job, endpoint_uri, job_name, settings)
        origin = settings.run_history(job.tracking_host)
        workspace_id = job.workspace_id or settings.workspace_id
        if origin is None or workspace_id is None:
            raise RunError(
                ErrorCode.NOT_FOUND,
                f"Job {job_name} names no run history that this app may call with its token.",
            )
        return cls(origin, workspace_id, job.name, settings.ml_audience, pool)

    async def details(self, run_id: str) -> HistoryRun:
        found = HistoryRun.parse(await self._read(run_id, "details"), run_id)
        if found is None:
            raise AnswerLost(f"{self._url(run_id, 'details')} was answered with another run.")
        return found

    async def failed_step(self) -> HistoryRun | None:
        """The step of the job that failed first; None if no step did, as far as is known."""
        found: HistoryRun | None = None
        parent = self.job_name
        for _ in range(_DEEPEST_STEP):
            failed = [step for step in await self._steps(parent) if step.failed]
            found = min(failed, key=lambda step: step.ended_at or "~", default=found)
            if found is None or not failed or not found.is_pipeline:
                return found
            parent = found.run_id
        return found

    async def step_to_look_at(self) -> HistoryRun | None:
        """The step that failed first, or else the last in the list."""
        if failed := await self.failed_step():
            return failed
        steps = await self._steps(self.job_name)
        return steps[-1] if steps else None

    async def _steps(self, run_id: str) -> list[HistoryRun]:
        """The first page: a job of a batch endpoint has a few steps."""
        steps = (await self._read(run_id, "children")).get("value")
        if not isinstance(steps, list):
            raise AnswerLost(f"{self._url(run_id, 'children')} was answered without a list.")
        return [run for step in steps if (run := HistoryRun.parse(mapping_of(step)))]

    async def _read(self, run_id: str, what: str) -> dict[str, Any]:
        url = self._url(run_id, what)
        return await self.pool.run(read, url, self.audience, _API_VERSION)

    def _url(self, run_id: str, what: str) -> str:
        return f"{self.origin}/history/v1.0{self.workspace_id}/runs/{run_id}/{what}"
