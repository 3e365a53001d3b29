"""The project's own run and the plain loop, with activities that do no I/O: only the waiting costs.

A job is Running until the number of checks at the end of its run id is reached; then it is Completed.
"""

from collections import Counter
from typing import Any

import azure.durable_functions as df

from batch.names import AUTHORIZE, CHECK_STATUS, INVOKE, RECORD_END
from benchmarks.contestants.plain_loop import plain_loop
from benchmarks.contestants.waiting_sample import PLAIN_LOOP
from orchestrators import batch_run

Answer = dict[str, Any]
_checks: Counter[str] = Counter()


def authorize(nothing: object) -> Answer:
    principal = "00000000-0000-0000-0000-000000000000"
    return {
        "identity": {
            "client_id": principal,
            "object_id": principal,
            "tenant_id": principal,
            "token_expires_at": "2026-01-02T00:00:00.000Z",
        }
    }


def invoke(value: dict[str, Any]) -> Answer:
    name = f"batchjob-{value['run_id']}"
    group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/scoring"
    workspace = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/scoring"
    return {
        "job": {
            "name": name,
            "status": "NotStarted",
            "workspace_id": workspace,
            "studio_url": f"https://ml.azure.com/runs/{name}?wsid={workspace}",
        }
    }


def check_status(value: dict[str, Any]) -> Answer:
    run_id = value["run_id"]
    _checks[run_id] += 1
    last = _checks[run_id] >= int(run_id.rpartition("-")[2])
    return {"cancel_requested": False, "status": "Completed" if last else "Running"}


def record_end(value: dict[str, Any]) -> Answer:
    return {"recorded": True}


app = df.DFApp()
app.register_functions(batch_run.bp)
app.orchestration_trigger(context_name="context", orchestration=PLAIN_LOOP)(plain_loop)
app.activity_trigger(input_name="nothing", activity=AUTHORIZE)(authorize)
app.activity_trigger(input_name="value", activity=INVOKE)(invoke)
app.activity_trigger(input_name="value", activity=CHECK_STATUS)(check_status)
app.activity_trigger(input_name="value", activity=RECORD_END)(record_end)
