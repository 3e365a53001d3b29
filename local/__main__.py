"""``python -m local run`` scores a folder once, ``serve`` keeps everything up, ``follow`` watches a run."""

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from rich.console import Console

from local import follow_command
from local.azure_ml import Phase, Ports
from local.follow import Follower, Left
from local.host_process import ROOT, HostDidNotStart
from local.machine import SAMPLES, Events, LocalMachine, MachineConfig
from local.run_client import NotReadable, RunClient

STATE = ROOT / ".local"
HOST_PORT = 7071
PACE = (Phase("Preparing", 1.0), Phase("Running", 2.0), Phase("Finalizing", 1.0))
FIRST_ROWS = 5

console = Console(soft_wrap=True)


def main() -> int:
    arguments = _arguments()
    try:
        if arguments.command == "serve":
            return _serve()
        if arguments.command == "follow":
            return follow_command.run(arguments)
        return _run(arguments.input, arguments.output)
    except (HostDidNotStart, NotReadable, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(input_folder: Path, output: Path | None) -> int:
    """One run over a folder, from request to predictions. 0 only if they are there."""
    input_folder = input_folder.resolve()
    run_id = f"run-{uuid4().hex[:8]}"
    output = (output or STATE / "run" / "predictions" / f"{run_id}.csv").resolve()
    if not input_folder.is_dir() or not any(input_folder.iterdir()):
        return _refuse(f"INPUT is no folder with files: {input_folder}")
    if output.exists():
        return _refuse(f"OUTPUT exists already, and a batch endpoint does not overwrite: {output}")
    output.parent.mkdir(parents=True, exist_ok=True)
    config = MachineConfig(
        state=STATE / "run",
        pace=PACE,
        datastores={"input": input_folder.parent, "output": output.parent},
    )
    with LocalMachine(config) as machine:
        request = {
            "endpoint_uri": machine.azure_ml.scoring_uri,
            "endpoint_input_uri": f"azureml://datastores/input/paths/{input_folder.name}/",
            "endpoint_output_uri": f"azureml://datastores/output/paths/{output.name}",
            "poll_interval": 1,
            "run_id": run_id,
        }
        console.print(f"POST {machine.url}/api/batch-runs  {input_folder} → {output}", highlight=False)
        answer = requests.post(f"{machine.url}/api/batch-runs", json=request, timeout=60)
        if answer.status_code != 202:
            return _refuse(f"The starter answered {answer.status_code}: {answer.text}")
        links = answer.json()
        follower = Follower(RunClient(machine.url), console, interval=0.25, limit=600)
        try:
            view = follower.follow(run_id)
        except Left:
            return _refuse(f"Run {run_id} has not ended; the host stops now, and its next start goes on.")
        return _report(view, links, output)


def _report(view: dict[str, Any], links: dict[str, str], output: Path) -> int:
    console.print()
    if view["phase"] != "Completed" or not output.is_file():
        console.print(f"[red]The run ended {view['phase']}.[/] {view['error']['message']}")
        return 1
    with output.open(encoding="utf-8") as predictions:
        rows = predictions.read().splitlines()
    console.print(f"[green]Completed[/] after {view['checks']} checks. The first of {len(rows)} predictions:")
    for row in rows[:FIRST_ROWS]:
        console.print(f"  {row}", markup=False, highlight=False)
    console.print(f"\nPredictions: {output}", highlight=False)
    console.print("Status URLs that were used (the host stops now; `make serve` keeps it up):")
    for name in ("runUri", "statusQueryGetUri"):
        console.print(f"  {links[name]}", markup=False, highlight=False)
    return 0


def _serve() -> int:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    config = MachineConfig(
        state=STATE / "serve",
        pace=PACE,
        host_port=HOST_PORT,
        ports=_SERVE_PORTS,
        events=Events(),
        settings={
            "NEW_DATA_CONTAINER": "incoming",
            "NEW_DATA_SUFFIX": ".csv",
            "NEW_DATA_START": "folder",
            "NEW_DATA_QUIET_SECONDS": "5",
        },
    )
    with LocalMachine(config) as machine:
        print(_curl_lines(machine), flush=True)
        ended.wait()
    return 0


# Fixed, so that runs begun before a restart still find their endpoint.
_SERVE_PORTS = Ports(entra=7081, identity=7082, endpoint=7083, arm=7084, control=7085)


def _curl_lines(machine: LocalMachine) -> str:
    runs = f"{machine.url}/api/batch-runs"
    predictions = machine.azure_ml.datastores["workspaceblobstore"]
    return f"""\
The app is served at {machine.url}, its log is {machine.host.log}.
Azure ML answers at {machine.azure_ml.scoring_uri}; its control API is {machine.azure_ml.control_url}.

Start a run over the sample data:
  curl -s {runs} -H 'Content-Type: application/json' -d '{{
    "run_id": "first", "poll_interval": 1,
    "endpoint_input_uri": "azureml://datastores/samples/paths/data/",
    "endpoint_output_uri": "azureml://datastores/workspaceblobstore/paths/batch/{{run_id}}/predictions.csv"}}'
Look at it:
  curl -s {runs}/first
List all:
  curl -s {runs}
Cancel it:
  curl -s -X POST {runs}/first/cancel

Its predictions will be in {predictions}/batch/first/.

Or let new data start it: drop CSV files into {machine.incoming},
  cp -r {SAMPLES}/data {machine.incoming}/monday
and 5 s after the last one a run starts over the folder. Its predictions will be in {predictions}/batch-runs/.

Watch all of it at {machine.url}/api/monitor. Ctrl-C ends."""


def _refuse(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="score a folder, show how it goes, end with the outcome")
    run.add_argument("--input", type=Path, default=ROOT / "samples" / "data", help="folder of files to score")
    run.add_argument("--output", type=Path, help="file for the predictions; must not exist yet")
    commands.add_parser("serve", help="keep host and Azure ML up")
    follow_command.add_to(commands)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
