"""What ``serve`` prints when it is ready. Its commands must be harmless, also if all are pasted together."""

from shlex import quote

from local.machine import SAMPLES, LocalMachine
from local.new_data_rules import LocalRules
from local.notification_receiver import NotificationReceiver
from local.rules_in_words import in_words


def banner(machine: LocalMachine, receiver: NotificationReceiver, rules: LocalRules | None) -> str:
    """``rules`` are those that the person gave; None: the one rule of ``serve`` itself."""
    runs = f"{machine.url}/api/batch-runs"
    predictions = machine.azure_ml.datastores["workspaceblobstore"]
    new_data = _one_rule(machine) if rules is None else in_words(rules, machine.incoming.parent, machine.url)
    return f"""\
The app is served at {machine.url}, its log is {machine.host.log}.
Azure ML answers at {machine.azure_ml.scoring_uri}.
Its control API (see local/README.md) is {machine.azure_ml.control_url}.
What the scoring script of each job prints is in {machine.job_log("*")}.

Start a run over the sample data (each run needs a run_id of its own):
  curl -s {runs} -H 'Content-Type: application/json' -d '{{
    "run_id": "first", "poll_interval": 1,
    "endpoint_input_uri": "azureml://datastores/samples/paths/data/",
    "endpoint_output_uri": "azureml://datastores/workspaceblobstore/paths/batch/{{run_id}}/predictions.csv"}}'
Read its status:
  curl -s {runs}/first
List all runs:
  curl -s {runs}

Its predictions will be in {predictions}/batch/first/.

{new_data}

Cancel a run that has not ended, here "another":
  curl -s -X POST {runs}/another/cancel

Each run that ends is told to a receiver on this machine: a line here, and a file in {receiver.folder}.

Watch all runs at {machine.url}/api/monitor. Ctrl-C stops everything."""


def _one_rule(machine: LocalMachine) -> str:
    predictions = machine.azure_ml.datastores["workspaceblobstore"]
    return f"""\
Or let new data start a run. Copy CSV files into {machine.incoming}:
  cp -r {quote(str(SAMPLES / "data"))} {quote(str(machine.incoming / "monday"))}
A run over the folder starts 5 s after its last file. Its predictions will be in {predictions}/batch-runs/.
To try rules of your own: make serve RULES=infra/new-data-rules.json, or NEW_DATA_START=file make serve."""
