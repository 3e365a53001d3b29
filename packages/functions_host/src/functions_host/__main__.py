"""``python -m functions_host --app DIR``: serves a function app until SIGINT or SIGTERM."""

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from functions_host.announcement import announcement
from functions_host.durable.kill_point import KillPoint
from functions_host.durable.steered_clock import SteeredClock
from functions_host.durable.store.store import StoreInUseError, StoreVersionError
from functions_host.host import FunctionsHost, StoreError
from functions_host.http.route_constraints import RouteTemplateError
from functions_host.http.server import PortInUseError
from functions_host.logs import configure_logging
from functions_host.ready import READY
from functions_host.settings import SettingsError
from functions_host.triggers.schedules import ScheduleError
from functions_host.worker.indexing import IndexingError

_CANNOT_START = (
    SettingsError,
    PortInUseError,
    StoreError,
    StoreInUseError,
    StoreVersionError,
    RouteTemplateError,
    ScheduleError,
)


def main() -> int:
    arguments = _arguments()
    if arguments.end_with_stdin:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    configure_logging(arguments.verbose)
    clock = SteeredClock(arguments.clock) if arguments.clock else None
    kill_point = KillPoint(arguments.kill_before_row) if arguments.kill_before_row else None
    host = FunctionsHost(
        arguments.app, arguments.store, port=arguments.port, clock=clock, kill_point=kill_point
    )
    try:
        return asyncio.run(_serve(host))
    except IndexingError as error:
        if error.stack:
            sys.stderr.write(error.stack)
        return _refuse(f"The function app cannot be indexed: {error}")
    except _CANNOT_START as error:
        return _refuse(str(error))


async def _serve(host: FunctionsHost) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with host:
        print(announcement(host.url, host.functions, host.routes), flush=True)
        print(f"{READY} {host.url}", flush=True)
        await stopping.wait()
        print("Stopping.", flush=True)
    return 0


def _end_with_stdin() -> None:
    """Ends at once, as a kill does: nothing is lost, and a function that hangs cannot keep the port in use."""
    while os.read(0, 4096):
        pass
    os._exit(1)


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m functions_host", description="Serves a function app until SIGINT or SIGTERM."
    )
    parser.add_argument("--app", type=Path, default=Path(), help="folder of the app (default: this folder)")
    parser.add_argument("--port", type=int, help="default: LocalHttpPort of local.settings.json, else 7071")
    parser.add_argument(
        "--store", type=Path, default=Path(".local/task_hub.db"), help="SQLite file (default: %(default)s)"
    )
    parser.add_argument(
        "--end-with-stdin",
        action="store_true",
        help="end when standard input closes, for a parent that holds the other end of the pipe",
    )
    parser.add_argument(
        "--clock",
        type=Path,
        help="file of a steered clock, which sets durable time (see durable/steered_clock.py)",
    )
    parser.add_argument(
        "--kill-before-row",
        type=int,
        metavar="EPISODE",
        help="kill the host after the EPISODEth episode has written its history and before it writes its status row",
    )
    parser.add_argument("--verbose", action="store_true", help="log what the host and the worker do, too")
    return parser.parse_args()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    logging.shutdown()
    # A normal exit waits for every function that still runs on a thread.
    os._exit(code)
