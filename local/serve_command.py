"""Serves the app, with an emulated Azure ML and Event Grid, until Ctrl-C or SIGTERM."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from batch.errors import SettingsError
from client.command_line import CommandFailed
from local.azure_ml import Ports
from local.instance_lock import check_ports, instance_lock
from local.machine import DEPLOYMENTS, Events, LocalMachine, MachineConfig
from local.new_data_rules import LocalRules, given_settings, local_rules
from local.notification_receiver import Event, NotificationReceiver
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
_FLAT, _HIERARCHICAL = "flat", "hierarchical"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("serve", help="serve the app until Ctrl-C", description=__doc__)
    command.add_argument(
        "--port",
        type=_port,
        default=HOST_PORT,
        help="default %(default)s; Azure ML and the receiver of notifications take PORT + 10 to PORT + 17",
    )
    command.add_argument(
        "--state", type=Path, default=STATE / "serve", help="folder for everything that is stored"
    )
    command.add_argument(
        "--rules",
        type=Path,
        metavar="FILE",
        help="rules for new data, as in infra/new-data-rules.json; not together with NEW_DATA_RULES or other"
        " NEW_DATA_* settings, which are read from the environment. Default: each folder of CSV files in the"
        " container incoming starts a run",
    )
    command.add_argument(
        "--storage",
        choices=(_FLAT, _HIERARCHICAL),
        default=_FLAT,
        help="kind of the storage account: a hierarchical one (Data Lake) raises other events;"
        " default %(default)s",
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
        topic=port + 16,
    )
    state = arguments.state.resolve()
    given = given_settings(os.environ, arguments.rules)
    rules = _rules(given or ONE_RULE, state, azure_ml)
    # Not a name that a storage container can have: each container has a folder beside this one.
    receiver = NotificationReceiver(state / "notification_events", port + 17, _tell)
    config = MachineConfig(
        state=state,
        pace=PACE,
        datastores=rules.datastores,
        storage=rules.storage,
        host_port=port,
        ports=azure_ml,
        events=Events(containers=rules.containers, hierarchical=arguments.storage == _HIERARCHICAL),
        settings={**rules.settings, "NOTIFICATION_URL": receiver.url},
    )
    with instance_lock(config.state):
        check_ports(port, *range(port + 10, port + 18))
        with receiver, LocalMachine(config) as machine:
            print(banner(machine, receiver, rules if given else None), flush=True)

            return _watch(machine, ended)


def _rules(given: Mapping[str, str], state: Path, ports: Ports) -> LocalRules:
    """Raises CommandFailed if the app would not start with them."""
    try:
        return local_rules(given, state, f"https://127.0.0.1:{ports.endpoint}/jobs", DEPLOYMENTS)
    except SettingsError as error:
        raise CommandFailed(str(error)) from None


def _watch(machine: LocalMachine, ended: threading.Event) -> int:
    while not ended.wait(HOST_CHECK_INTERVAL):
        if report := machine.host.exit_report():
            print(
                f"{report}\nThe app is not served any more. Runs continue at the next start.", file=sys.stderr
            )
            return 1
    return 0


def _tell(event: Event) -> None:
    print(f"Notification: {event['type']} {event['subject']}", flush=True)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65_518):
        raise argparse.ArgumentTypeError(f"{text} is not a port from 1 to 65518")
    return int(text)
