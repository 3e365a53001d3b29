"""Scores a folder: starts the app and the emulated Azure ML, follows one run to its end, and stops both."""

import argparse
import shutil
import sys
from pathlib import Path
from uuid import uuid4

import requests
from rich.console import Console

from client.follow import Follower, Left
from client.run_client import RunClient
from local.azure_ml import Phase
from local.host_process import ROOT
from local.machine import LocalMachine, MachineConfig
from local.run_report import report

STATE = ROOT / ".local"
PACE = (Phase("Preparing", 1.0), Phase("Running", 2.0), Phase("Finalizing", 1.0))
LIMIT = 600.0
LEFT = 130
PREDICTIONS = "predictions.csv"

console = Console(soft_wrap=True)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "run", help="score a folder once, and show each change of the run", description=__doc__
    )
    command.add_argument("--input", default=ROOT / "samples" / "data", help="folder of files to score")
    command.add_argument("--output", help="file for the predictions; must not exist yet")


def run(arguments: argparse.Namespace) -> int:
    """0 only if the run is Completed and the predictions are written."""
    run_id = f"run-{uuid4().hex[:8]}"
    input_folder = _path(arguments.input)
    output = _path(arguments.output or STATE / "predictions" / f"{run_id}.csv")
    if not input_folder.is_dir():
        return _refuse(f"INPUT is not a folder: {input_folder}")
    if not any(child.is_file() for child in input_folder.iterdir()):
        return _refuse(f"INPUT has no files directly in it (nested folders are not walked): {input_folder}")
    if output.exists():
        return _refuse(f"OUTPUT already exists, and a batch endpoint does not overwrite: {output}")
    output.parent.mkdir(parents=True, exist_ok=True)
    state = STATE / "runs" / run_id
    # The folders are the roots of datastores: so no URI contains a name that needs encoding.
    config = MachineConfig(
        state=state, pace=PACE, datastores={"input": input_folder, "output": state / "output"}
    )
    try:
        with LocalMachine(config) as machine:
            code = _run_on(machine, run_id, input_folder, output)
    except KeyboardInterrupt:
        shutil.rmtree(state, ignore_errors=True)
        raise
    if code == 0:
        shutil.rmtree(state)
    return code


def _run_on(machine: LocalMachine, run_id: str, input_folder: Path, output: Path) -> int:
    request = {
        "run_id": run_id,
        "poll_interval": 1,
        "endpoint_input_uri": "azureml://datastores/input/paths/",
        "endpoint_output_uri": f"azureml://datastores/output/paths/{PREDICTIONS}",
    }
    print(f"POST {machine.url}/api/batch-runs  {input_folder} → {output}", flush=True)
    answer = requests.post(f"{machine.url}/api/batch-runs", json=request, timeout=60)
    if answer.status_code != 202:
        return _refuse(f"The app answered {answer.status_code} to the start: {answer.text}")
    follower = Follower(RunClient(machine.url), console, interval=0.25, limit=LIMIT, own_machine=True)
    try:
        view = follower.follow(run_id)
    except Left:
        print(f"Run {run_id} has not ended. It stops now, with its host.", file=sys.stderr)
        return LEFT
    return report(machine, view, answer.json(), machine.azure_ml.datastores["output"] / PREDICTIONS, output)


def _path(text: str | Path) -> Path:
    return Path(text).expanduser().resolve()


def _refuse(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1
