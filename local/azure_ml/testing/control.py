"""The control API: faults, holds, jobs, and the requests that arrived. ``local/README.md`` is its manual."""

import json
from dataclasses import asdict
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from local.azure_ml.errors import Refused, json_answer
from local.azure_ml.jobs.engine import JobEngine
from local.azure_ml.jobs.job import STATUSES, Job
from local.azure_ml.jobs.scoring import Scorer
from local.azure_ml.testing.faults import Fault, Faults, FaultSpec
from local.azure_ml.testing.request_log import RequestLog

T = TypeVar("T")
_STRICT = ConfigDict(extra="forbid")
_SPEC = TypeAdapter(FaultSpec)
_JOB = TypeAdapter(Job)


@dataclass(frozen=True, config=_STRICT)
class _HoldRequest:
    phase: str
    job: str | None = None


@dataclass(frozen=True, config=_STRICT)
class _StatusRequest:
    status: str | None
    error: str | None = None
    error_code: str = "UserError"


class Control:
    def __init__(self, faults: Faults, engine: JobEngine, scorer: Scorer, log: RequestLog) -> None:
        self._faults = faults
        self._engine = engine
        self._scorer = scorer
        self._log = log

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_refusals])
        app.add_routes(
            [
                web.post("/faults", self._add_fault),
                web.get("/faults", self._list_faults),
                web.get("/faults/{id}", self._get_fault),
                web.delete("/faults", self._clear_faults),
                web.delete("/faults/{id}", self._remove_fault),
                web.post("/holds", self._add_hold),
                web.get("/holds", self._list_holds),
                web.delete("/holds", self._clear_holds),
                web.delete("/holds/{id}", self._remove_hold),
                web.get("/jobs", self._list_jobs),
                web.get("/jobs/{name}", self._get_job),
                web.put("/jobs/{name}/status", self._show_status),
                web.get("/requests", self._list_requests),
                web.delete("/requests", self._clear_requests),
                web.get("/counters", self._counters),
            ]
        )
        return app

    async def _add_fault(self, request: web.Request) -> web.Response:
        spec = await _body(request, _SPEC)
        return json_answer(201, _fault(self._faults.add(spec)))

    async def _list_faults(self, request: web.Request) -> web.Response:
        return json_answer(200, [_fault(fault) for fault in self._faults])

    async def _get_fault(self, request: web.Request) -> web.Response:
        fault = self._faults.get(request.match_info["id"])
        if fault is None:
            raise _absent(request.match_info["id"])
        return json_answer(200, _fault(fault))

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)

    async def _remove_fault(self, request: web.Request) -> web.Response:
        discard = request.query.get("discard", "").lower() == "true"
        if self._faults.remove(request.match_info["id"], discard) is None:
            raise _absent(request.match_info["id"])
        return web.Response(status=204)

    async def _add_hold(self, request: web.Request) -> web.Response:
        asked = await _body(request, TypeAdapter(_HoldRequest))
        if asked.phase not in STATUSES:
            raise _invalid(f"{asked.phase!r} is not a status; known are {sorted(STATUSES)}")
        return json_answer(201, asdict(self._engine.hold(asked.phase, asked.job)))

    async def _list_holds(self, request: web.Request) -> web.Response:
        return json_answer(200, [asdict(hold) for hold in self._engine.holds])

    async def _clear_holds(self, request: web.Request) -> web.Response:
        for hold in self._engine.holds:
            self._engine.release(hold.id)
        return web.Response(status=204)

    async def _remove_hold(self, request: web.Request) -> web.Response:
        if not self._engine.release(request.match_info["id"]):
            raise _absent(request.match_info["id"])
        return web.Response(status=204)

    async def _list_jobs(self, request: web.Request) -> web.Response:
        return json_answer(200, [_job(job) for job in reversed(self._engine.newest_first())])

    async def _get_job(self, request: web.Request) -> web.Response:
        job = self._existing(request)
        return json_answer(200, {**_job(job), "log": self._scorer.log(job.name)})

    async def _show_status(self, request: web.Request) -> web.Response:
        job = self._existing(request)
        asked = await _body(request, TypeAdapter(_StatusRequest))
        if asked.status is not None and asked.status not in STATUSES:
            raise _invalid(f"{asked.status!r} is not a status; known are {sorted(STATUSES)}")
        if job.ended:
            raise Refused(json_answer(409, {"error": f"{job.name} has ended: {job.status}"}))
        self._engine.show(job.name, asked.status, asked.error, asked.error_code)
        return json_answer(200, _job(self._existing(request)))

    async def _list_requests(self, request: web.Request) -> web.Response:
        records = self._log.select(request.query.get("operation"))
        return json_answer(200, [asdict(record) for record in records])

    async def _clear_requests(self, request: web.Request) -> web.Response:
        self._log.clear()
        return web.Response(status=204)

    async def _counters(self, request: web.Request) -> web.Response:
        return json_answer(200, self._log.counters())

    def _existing(self, request: web.Request) -> Job:
        job = self._engine.get(request.match_info["name"])
        if job is None:
            raise _absent(request.match_info["name"])
        return job


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        return refused.response


async def _body(request: web.Request, adapter: TypeAdapter[T]) -> T:
    try:
        return adapter.validate_json(await request.read())
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise _invalid("; ".join(reasons)) from error


def _fault(fault: Fault) -> dict[str, object]:
    return {
        "id": fault.id,
        "seen": fault.seen,
        "applied": fault.applied,
        "waiting": fault.waiting,
        "spec": _SPEC.dump_python(fault.spec, mode="json"),
    }


def _job(job: Job) -> dict[str, object]:
    described: dict[str, object] = json.loads(_JOB.dump_json(job))
    return {**described, "visible_status": job.visible_status}


def _invalid(text: str) -> Refused:
    return Refused(json_answer(400, {"error": text}))


def _absent(name: str) -> Refused:
    return Refused(json_answer(404, {"error": f"there is no {name}"}))
