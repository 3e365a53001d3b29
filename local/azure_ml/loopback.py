"""Serves an application on a loopback port, and closes it without waiting for its clients."""

import ssl
from contextlib import AsyncExitStack

from aiohttp import web

# A burst of a thousand starts must not overflow the queue of connections.
_BACKLOG = 2048


async def open_on_loopback(
    app: web.Application, port: int, tls: ssl.SSLContext | None, stack: AsyncExitStack
) -> str:
    """Returns the address (scheme://host:port); ``port`` 0 takes any free one. ``stack`` closes the server."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(_close, runner)
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls, backlog=_BACKLOG).start()
    return f"{'http' if tls is None else 'https'}://127.0.0.1:{runner.addresses[0][1]}"


async def _close(runner: web.AppRunner) -> None:
    """Aborts idle connections first: a TLS shutdown would wait for clients that keep them open."""
    if runner.server is not None:
        for connection in runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()
    await runner.cleanup()
