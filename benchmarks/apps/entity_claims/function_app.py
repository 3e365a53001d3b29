"""A run as it starts where entities keep the claim and the owner of the job: the signal, then reads until it shows.

Only what costs storage or time is here. A lost answer, a cancel and the end of the job are not.
"""

import asyncio
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import azure.durable_functions as df
import azure.functions as func

from batch.api.request import parse_request
from batch.azure_ml.endpoint import read_job, submit
from batch.azure_ml.identity import bearer_token, whoami
from batch.run.request import RunRequest
from batch.settings import app_settings

CLAIM_VISIBLE_WITHIN = 120.0
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.5

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="batch-runs", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start_batch_run(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    run_id, request = parse_request(req.get_body(), None, app_settings())
    if await client.get_status(run_id, show_input=True):
        return func.HttpResponse(status_code=409)
    await client.start_new("batch_run", run_id, {"request": request.to_json()})
    return client.create_check_status_response(req, run_id)


@app.orchestration_trigger(context_name="context")
def batch_run(context: df.DurableOrchestrationContext) -> Generator[Any, Any, None]:
    run = context.get_input()
    request = run["request"]
    if "job" not in run:
        yield context.call_activity("authorize", {})
        step = {"run_id": context.instance_id, "request": request}
        run["job"] = yield context.call_activity("invoke", step)
        context.signal_entity(df.EntityId("job_owner", run["job"]), "own", context.instance_id)
    check = {
        "run_id": context.instance_id,
        "endpoint_uri": request["endpoint_uri"],
        "job_name": run["job"],
    }
    status = yield context.call_activity("check_status", check)
    interval = timedelta(seconds=request["poll_interval"])
    until = context.current_utc_datetime + interval
    context.set_custom_status({"phase": status, "next_check_at": until.isoformat()})
    nudge = context.wait_for_external_event("nudge")
    yield context.task_any([context.create_timer(until), nudge])
    context.continue_as_new(run)


# The worker refuses to index an activity whose parameter is annotated with a generic type.
@app.activity_trigger(input_name="nothing")
def authorize(nothing: dict) -> dict:
    return whoami(app_settings().ml_audience)


@app.activity_trigger(input_name="value")
@app.durable_client_input(client_name="client")
async def invoke(value: dict, client: Any) -> str:
    run_id = value["run_id"]
    await asyncio.to_thread(bearer_token, app_settings().ml_audience)
    attempt = await claim(client, run_id)
    request = RunRequest.from_json(value["request"])
    job = await asyncio.to_thread(submit, run_id, attempt, request, app_settings())
    return job.name


@app.activity_trigger(input_name="value")
@app.durable_client_input(client_name="client")
async def check_status(value: dict, client: Any) -> str:
    await client.read_entity_state(df.EntityId("submission", value["run_id"]))
    job = await asyncio.to_thread(read_job, value["endpoint_uri"], value["job_name"], app_settings())
    return job.status


@app.entity_trigger(context_name="context")
def submission(context: df.DurableEntityContext) -> None:
    before = context.get_state()
    context.set_state(before or context.get_input())


@app.entity_trigger(context_name="context")
def job_owner(context: df.DurableEntityContext) -> None:
    context.set_state(context.get_input())


async def claim(client: df.DurableOrchestrationClient, run_id: str) -> str:
    """The id of the attempt that may POST, once the entity shows it. Raises TimeoutError if that takes too long."""
    entity, attempt = df.EntityId("submission", run_id), uuid4().hex
    asked = {"attempt": attempt, "claimed_at": datetime.now(UTC).isoformat()}
    await client.signal_entity(entity, "claim", asked)
    async with asyncio.timeout(CLAIM_VISIBLE_WITHIN):
        pause = FIRST_PAUSE
        while not (answer := await client.read_entity_state(entity)).entity_exists:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
    if answer.entity_state["attempt"] != attempt:
        raise RuntimeError("Another attempt holds the claim.")
    return attempt
