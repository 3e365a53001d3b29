"""What ``serve`` prints when it is up. Lines to copy: pasted as a whole, they must do no harm."""

from shlex import quote

from local.machine import SAMPLES, LocalMachine


def banner(machine: LocalMachine) -> str:
    runs = f"{machine.url}/api/batch-runs"
    predictions = machine.azure_ml.datastores["workspaceblobstore"]
    return f"""\
The app is served at {machine.url}, its log is {machine.host.log}.
Azure ML answers at {machine.azure_ml.scoring_uri}; its control API is {machine.azure_ml.control_url}.
What the scoring script of each job prints is in {machine.job_log("*")}.

Start a run over the sample data (a run_id is good for one run: take another for the next):
  curl -s {runs} -H 'Content-Type: application/json' -d '{{
    "run_id": "first", "poll_interval": 1,
    "endpoint_input_uri": "azureml://datastores/samples/paths/data/",
    "endpoint_output_uri": "azureml://datastores/workspaceblobstore/paths/batch/{{run_id}}/predictions.csv"}}'
Look at it:
  curl -s {runs}/first
List all:
  curl -s {runs}

Its predictions will be in {predictions}/batch/first/.

Or let new data start it: drop CSV files into {machine.incoming},
  cp -r {quote(str(SAMPLES / "data"))} {quote(str(machine.incoming / "monday"))}
and 5 s after the last one a run starts over the folder. Its predictions will be in {predictions}/batch-runs/.

A run that is under way, here one with the run_id "another", is canceled with
  curl -s -X POST {runs}/another/cancel

Watch all of it at {machine.url}/api/monitor. Ctrl-C ends."""
