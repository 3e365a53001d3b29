"""An HTTP server in the place of Azure Table Storage, which answers as a test says and counts the requests."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class StandIn:
    """Takes the first of ``answers`` for each request; the last one stays."""

    port: int = 0
    answers: list[Answer] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path.rpartition('/')[2]}")
        self.authorizations.append(request.headers.get("Authorization", ""))
        self.bodies.append(await request.text())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


@asynccontextmanager
async def stand_in() -> AsyncIterator[StandIn]:
    server = StandIn()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.port = runner.addresses[0][1]
        yield server
    finally:
        await runner.cleanup()


def says(status: int, body: object = None, **headers: str) -> Answer:
    """``headers``: with ``_`` for ``-``."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(
            status=status,
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
            content_type="application/json",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    return answer


def refuses(status: int, code: str, message: str = "said the service", **headers: str) -> Answer:
    return says(status, _error(code, message), **headers)


def part_refuses(status: int, code: str, message: str = "said the service") -> Answer:
    """A transaction, one of whose changes is refused."""
    reply = json.dumps(_error(code, f"0:{message}"))
    lines = [
        "--batchresponse_b",
        "Content-Type: multipart/mixed; boundary=changesetresponse_c",
        "",
        "--changesetresponse_c",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        f"HTTP/1.1 {status} Refused",
        "Content-Type: application/json;odata=minimalmetadata",
        "",
        reply,
        "--changesetresponse_c--",
        "--batchresponse_b--",
        "",
    ]
    return multipart("\r\n".join(lines))


def multipart(body: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        headers = {"Content-Type": "multipart/mixed; boundary=batchresponse_b"}
        return web.Response(status=202, body=body.encode(), headers=headers)

    return answer


async def closes(request: web.Request) -> web.StreamResponse:
    """The connection ends without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut_off(request: web.Request) -> web.StreamResponse:
    """The connection ends within the answer."""
    response = web.StreamResponse(status=202 if request.method == "POST" else 200)
    response.content_type = "application/json"
    response.content_length = 500
    await response.prepare(request)
    await response.write(b'{"value": [')
    return await closes(request)


async def is_silent(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def never_ends(request: web.Request) -> web.StreamResponse:
    """A byte now and then, so that no read takes long."""
    response = web.StreamResponse(status=202 if request.method == "POST" else 200)
    response.content_type = "application/json"
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.01)


def _error(code: str, message: str) -> object:
    return {"odata.error": {"code": code, "message": {"lang": "en-US", "value": message}}}
