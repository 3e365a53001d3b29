"""``python -m local run``: one run over a folder on a machine of its own, from request to predictions."""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from rich.console import Console

from local.azure_ml import Phase
from local.follow import Follower, Left
from local.host_process import ROOT
from local.machine import LocalMachine, MachineConfig
from local.run_client import RunClient

STATE = ROOT / ".local"
PACE = (Phase("Preparing", 1.0), Phase("Running", 2.0), Phase("Finalizing", 1.0))
FIRST_ROWS = 5
LIMIT = 600.0

console = Console(soft_wrap=True)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "run", help="score a folder once, show how it goes, end with the outcome", description=__doc__
    )
    command.add_argument(
        "--input", type=Path, default=ROOT / "samples" / "data", help="folder of files to score"
    )
    command.add_argument("--output", type=Path, help="file for the predictions; must not exist yet")


def run(arguments: argparse.Namespace) -> int:
    """0 only if the job completed and the predictions are there."""
    run_id = f"run-{uuid4().hex[:8]}"
    input_folder = arguments.input.resolve()
    output = (arguments.output or STATE / "predictions" / f"{run_id}.csv").resolve()
    if not input_folder.is_dir() or not any(input_folder.iterdir()):
        return _refuse(f"INPUT is no folder with files: {input_folder}")
    if output.exists():
        return _refuse(f"OUTPUT exists already, and a batch endpoint does not overwrite: {output}")
    output.parent.mkdir(parents=True, exist_ok=True)
    config = MachineConfig(
        state=STATE / "runs" / run_id,
        pace=PACE,
        datastores={"input": input_folder.parent, "output": output.parent},
    )
    with LocalMachine(config) as machine:
        code = _run_on(machine, run_id, input_folder, output)
    if code == 0:
        shutil.rmtree(config.state)
    else:
        print(f"The host's log is {machine.host.log}", file=sys.stderr)
    return code


def _run_on(machine: LocalMachine, run_id: str, input_folder: Path, output: Path) -> int:
    request = {
        "run_id": run_id,
        "poll_interval": 1,
        "endpoint_input_uri": f"azureml://datastores/input/paths/{input_folder.name}/",
        "endpoint_output_uri": f"azureml://datastores/output/paths/{output.name}",
    }
    console.print(f"POST {machine.url}/api/batch-runs  {input_folder} → {output}", highlight=False)
    answer = requests.post(f"{machine.url}/api/batch-runs", json=request, timeout=60)
    if answer.status_code != 202:
        return _refuse(f"The starter answered {answer.status_code}: {answer.text}")
    try:
        view = Follower(RunClient(machine.url), console, interval=0.25, limit=LIMIT).follow(run_id)
    except Left:
        return _refuse(f"Run {run_id} had not ended. It stops here, with its host.")
    return _report(view, answer.json(), output)


def _report(view: dict[str, Any], links: dict[str, str], output: Path) -> int:
    console.print()
    if view["phase"] != "Completed" or not output.is_file():
        reason = view["error"]["message"] if view["error"] else f"There is no file {output}."
        console.print(f"[red]The run ended {view['phase']}.[/] {reason}", highlight=False)
        return 1
    rows = output.read_text(encoding="utf-8").splitlines()
    console.print(
        f"[green]Completed[/] after {view['checks']} checks. The first of {len(rows)} predictions:",
        highlight=False,
    )
    for row in rows[:FIRST_ROWS]:
        console.print(f"  {row}", markup=False, highlight=False)
    console.print(f"\nPredictions: {output}", highlight=False)
    console.print(
        "Status URLs that were used (the host stops now; `make serve` keeps one up):", highlight=False
    )
    for name in ("runUri", "statusQueryGetUri"):
        console.print(f"  {links[name]}", markup=False, highlight=False)
    return 0


def _refuse(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1
