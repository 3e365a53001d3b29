"""The project's own run beside the plain loop, over activities that do no I/O: what costs is the waiting.

A job is Running until it was checked as many times as the last part of its run id says; then Completed.
"""

from collections import Counter
from typing import Any

import azure.durable_functions as df

from batch.function_names import AUTHORIZE, CHECK_STATUS, INVOKE
from benchmarks.contestants.plain_loop import PLAIN_LOOP, plain_loop
from entities import job_owner
from orchestrators import batch_run

app = df.DFApp()
app.register_functions(batch_run.bp)
app.register_functions(job_owner.bp)
app.orchestration_trigger(context_name="context", orchestration=PLAIN_LOOP)(plain_loop)

_checks: Counter[str] = Counter()


@app.activity_trigger(input_name="nothing", activity=AUTHORIZE)
def authorize(nothing: dict) -> Any:  # type: ignore[type-arg]
    principal = "00000000-0000-0000-0000-000000000000"
    return {
        "identity": {
            "client_id": principal,
            "object_id": principal,
            "tenant_id": principal,
            "token_expires_at": "2026-01-02T00:00:00.000Z",
        }
    }


@app.activity_trigger(input_name="value", activity=INVOKE)
def invoke(value: dict) -> Any:  # type: ignore[type-arg]
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


@app.activity_trigger(input_name="value", activity=CHECK_STATUS)
def check_status(value: dict) -> Any:  # type: ignore[type-arg]
    run_id = value["run_id"]
    _checks[run_id] += 1
    last = _checks[run_id] >= int(run_id.rpartition("-")[2])
    return {"cancel_requested": False, "status": "Completed" if last else "Running"}
