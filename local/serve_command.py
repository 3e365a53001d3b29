"""Serves the app, with an emulated Azure ML and Event Grid, until Ctrl-C or SIGTERM."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from local.azure_ml import Ports
from local.instance_lock import check_ports, instance_lock
from local.machine import Events, LocalMachine, MachineConfig
from local.run_command import PACE, STATE
from local.serve_banner import banner

HOST_PORT = 7071
ONE_RULE = {
    "NEW_DATA_CONTAINER": "incoming",
    "NEW_DATA_SUFFIX": ".csv",
    "NEW_DATA_START": "folder",
    "NEW_DATA_QUIET_SECONDS": "5",
}
HOST_CHECK_INTERVAL = 0.5
"""Seconds."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("serve", help="serve the app until Ctrl-C", description=__doc__)
    command.add_argument(
        "--port",
        type=_port,
        default=HOST_PORT,
        help="default %(default)s; Azure ML takes PORT + 10 to PORT + 15",
    )
    command.add_argument(
        "--state", type=Path, default=STATE / "serve", help="folder for everything that is stored"
    )


def run(arguments: argparse.Namespace) -> int:
    """0 after Ctrl-C or SIGTERM, 1 if the host ends by itself. Raises CommandFailed if it cannot start."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    port: int = arguments.port
    # The same at each start: runs that continue after a restart need their endpoint.
    azure_ml = Ports(
        entra=port + 10,
        identity=port + 11,
        endpoint=port + 12,
        arm=port + 13,
        control=port + 14,
        history=port + 15,
    )
    config = MachineConfig(
        state=arguments.state.resolve(),
        pace=PACE,
        host_port=port,
        ports=azure_ml,
        events=Events(),
        settings=ONE_RULE,
    )
    with instance_lock(config.state):
        check_ports(port, *range(port + 10, port + 16))
        with LocalMachine(config) as machine:
            print(banner(machine), flush=True)
            return _watch(machine, ended)


def _watch(machine: LocalMachine, ended: threading.Event) -> int:
    while not ended.wait(HOST_CHECK_INTERVAL):
        if report := machine.host.exit_report():
            print(
                f"{report}\nThe app is not served any more. Runs continue at the next start.", file=sys.stderr
            )
            return 1
    return 0


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65_520:
        raise argparse.ArgumentTypeError(f"{text} is not a port from 1 to 65520")
    return port
