"""The HTTP surface of the host on one loopback listener: management API, HTTP triggers, host status."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.functions_host.client_binding import WEBHOOK_PATH

Handler = Callable[[web.Request], Awaitable[web.Response]]

# The production host's limit for request bodies, in bytes.
_MAX_BODY = 104_857_600
_HOST_VERSION = "4"


class PortInUseError(OSError):
    """Something else listens on the port. The text says what to do."""


def listening_socket(address: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises PortInUseError.

    Bound before the app is loaded, as the URLs that functions are given hold the port.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        raise PortInUseError(f"Cannot listen on {address}:{port}: {error.strerror}. Try --port.") from error
    return listener


async def serve(listener: socket.socket, durable: Handler, http_triggers: Handler) -> web.AppRunner:
    """Starts to serve on the socket; ``cleanup()`` of the result stops it and closes the socket."""
    app = web.Application(client_max_size=_MAX_BODY)
    app.router.add_route("*", WEBHOOK_PATH + "{tail:(/(?s:.*))?}", durable)
    app.router.add_get("/admin/host/status", _status)
    app.router.add_get("/", _home)
    app.router.add_route("*", "/{tail:(?s:.*)}", http_triggers)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return runner


async def _status(_request: web.Request) -> web.Response:
    return web.json_response({"state": "Running", "version": _HOST_VERSION})


async def _home(_request: web.Request) -> web.Response:
    return web.Response(text="Your function app is up and running.\n")
