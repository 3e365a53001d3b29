"""The HTTP server of the host, on one socket: triggers, webhooks, management API, host status."""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from functions_host.triggers import event_grid, manual_runs
from functions_host.worker import client_binding

Handler = Callable[[web.Request], Awaitable[web.Response]]

# The production host's limit for request bodies, in bytes.
_MAX_BODY = 104_857_600
_HOST_VERSION = "4"


@dataclass(frozen=True, slots=True)
class Handlers:
    durable_api: Handler
    event_grid: Handler
    manual_runs: Handler
    http_triggers: Handler


class PortInUseError(OSError):
    """Another program listens on the port. The text says what to do."""


def listening_socket(address: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises PortInUseError.

    The host binds it before it loads the app: the URLs that functions receive contain the port.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        raise PortInUseError(f"Cannot listen on {address}:{port}: {error.strerror}. Try --port.") from error
    return listener


async def serve(listener: socket.socket, handlers: Handlers) -> web.AppRunner:
    """Starts to serve on the socket; ``cleanup()`` of the result stops it and closes the socket."""
    app = web.Application(client_max_size=_MAX_BODY)
    app.router.add_route("*", client_binding.WEBHOOK_PATH + "{tail:(/(?s:.*))?}", handlers.durable_api)
    parent, _, extension = event_grid.WEBHOOK_PATH.rpartition("/")
    # The name of the extension is case-insensitive.
    app.router.add_route("*", f"{parent}/{{extension:(?i:{extension})}}", handlers.event_grid)
    app.router.add_post(manual_runs.MANUAL_RUN_PATH, handlers.manual_runs)
    app.router.add_get("/admin/host/status", _status)
    app.router.add_get("/", _home)
    app.router.add_route("*", "/{tail:(?s:.*)}", handlers.http_triggers)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return runner


async def _status(_request: web.Request) -> web.Response:
    return web.json_response({"state": "Running", "version": _HOST_VERSION})


async def _home(_request: web.Request) -> web.Response:
    return web.Response(text="Your function app is up and running.\n")
