"""``python -m local serve``: keeps the app, Azure ML and Event Grid up until it is told to stop."""

import argparse
import signal
import threading

from local.azure_ml import Ports
from local.machine import SAMPLES, Events, LocalMachine, MachineConfig
from local.run_command import PACE, STATE

HOST_PORT = 7071
# Fixed, so that runs begun before a restart still find their endpoint.
AZURE_ML_PORTS = Ports(entra=7081, identity=7082, endpoint=7083, arm=7084, control=7085)
ONE_RULE = {
    "NEW_DATA_CONTAINER": "incoming",
    "NEW_DATA_SUFFIX": ".csv",
    "NEW_DATA_START": "folder",
    "NEW_DATA_QUIET_SECONDS": "5",
}


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    commands.add_parser("serve", help="keep the app, Azure ML and Event Grid up", description=__doc__)


def run(arguments: argparse.Namespace) -> int:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    config = MachineConfig(
        state=STATE / "serve",
        pace=PACE,
        host_port=HOST_PORT,
        ports=AZURE_ML_PORTS,
        events=Events(),
        settings=ONE_RULE,
    )
    with LocalMachine(config) as machine:
        print(_curl_lines(machine), flush=True)
        ended.wait()
    return 0


def _curl_lines(machine: LocalMachine) -> str:
    runs = f"{machine.url}/api/batch-runs"
    predictions = machine.azure_ml.datastores["workspaceblobstore"]
    return f"""\
The app is served at {machine.url}, its log is {machine.host.log}.
Azure ML answers at {machine.azure_ml.scoring_uri}; its control API is {machine.azure_ml.control_url}.

Start a run over the sample data (a run_id is good for one run: take another for the next):
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
