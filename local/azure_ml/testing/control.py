"""The control API: faults, holds, job status, and what was asked. Plain http, loopback, a port of its own.

All bodies are JSON. Unknown fields get a 400 that names them.

Faults
    POST   /faults           a fault (below); 201 ``{"id", "seen", "applied", "waiting", "spec"}``
    GET    /faults[/{id}]    the same; requests ``seen`` (matching), ``applied`` (struck), ``waiting`` (held now)
    DELETE /faults[/{id}]    out of force; requests that it holds go on, jobs that it hides appear.
                             With ``?discard=true`` held requests are cut: held "before", they never took effect

    operation   token, identity (managed identity), discovery (OpenID), invoke, get_job, arm_get, list,
                cancel, cancel_status, other (no such route)
    action      answer      ``status`` and a body instead of the operation's own answer
                drop        cut the connection, no answer
                delay       wait ``seconds``, or until the fault is deleted, then go on
                hold        wait until the fault is deleted, then go on: a gate
                duplicate   (invoke) create ``jobs`` jobs for one POST, answer with the first
                lose_race   (cancel) accept, show CancelRequested, let the job end as it would have
                lag         (list) leave out jobs created after the fault was added, each for ``seconds``, or
                            until the fault is deleted; set ``times`` to null for more than one list
    when        "before" the operation takes effect (default), or "after" it did
    times       how many requests to strike, default 1; null for all until deleted
    skip        let this many matching requests pass first, default 0
    rate        strike with this probability, default 1.0 (fixed seed)
    job         strike requests about this job only (get_job, arm_get, cancel, cancel_status)
    status      for answer, default 500; any, 302 with headers ``{"Location": ..}`` included
    body        for answer: envelope-a (management frontend), envelope-b (internal service), arm, entra,
                identity, text, malformed (broken JSON), empty; default is the form native to the host
    text        the message in that body, or the malformed body itself
    headers     for answer, added to it
    retry_after, retry_after_form
                for answer: seconds from now, written as "seconds" (default) or "http-date"

    A client that goes away meanwhile changes nothing: what was asked for takes effect all the same.
    Several faults can strike one request: delays and holds add up. Of answers and drops one strikes, the
    oldest; so a row of them, each with ``times`` 1, strikes the next requests in that order.

Holds
    POST   /holds            ``{"phase": "Running", "job": null}``; 201 with ``id``. Jobs (one, or all) in the
                             phase or coming to it stay there, scoring or not. Any status but an end.
    GET    /holds            DELETE /holds[/{id}]

Jobs
    GET    /jobs[/{name}]    status, visible_status, scoring, error, rows, request ..; one job also with ``log``
    PUT    /jobs/{name}/status
                             ``{"status": "NotResponding"}`` shows that status while the job's life goes on
                             beneath; null shows the real one again. Completed, Failed and Canceled really
                             end the job.

Requests
    GET    /requests[?operation=]
                             what arrived, oldest first: listener, operation, method, path, query, whether an
                             Authorization header was there and for which audience, body (secrets as ***),
                             status answered (null: none), names of the jobs it created
    DELETE /requests
    GET    /counters         by operation: requests, jobs, and answers by status
"""

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
        self._engine.show(job.name, asked.status)
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
