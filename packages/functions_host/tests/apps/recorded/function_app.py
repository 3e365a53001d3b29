"""Replaces the app of the recording of the answers: same names, instances with the same statuses."""

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="start/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance_id = await client.start_new("batch_run", req.route_params["id"], req.get_json())
    return client.create_check_status_response(req, instance_id)


@app.orchestration_trigger(context_name="context")
def batch_run(context: df.DurableOrchestrationContext):
    """Input: ``job``, the key of its job owner, and ``end``: completes, fails, breaks or waits."""
    run = context.get_input()
    owner = df.EntityId("job_owner", run["job"])
    yield context.call_entity(df.EntityId("submission", context.instance_id), "claim", {"claims": 1})
    yield context.call_entity(owner, "own", context.instance_id)
    if run["end"] == "breaks":
        raise ValueError("It broke before it had a status.")
    context.set_custom_status({"phase": run["end"]})
    if run["end"] == "waits":
        yield context.wait_for_external_event("nudge")
        context.continue_as_new(run)
        return None
    yield context.call_entity(owner, "release")
    if run["end"] == "fails":
        raise ValueError("The job failed.")
    return {"outcome": "Completed"}


@app.entity_trigger(context_name="context")
def submission(context: df.DurableEntityContext) -> None:
    context.set_state(context.get_input())


@app.entity_trigger(context_name="context")
def job_owner(context: df.DurableEntityContext) -> None:
    if context.operation_name == "release":
        context.destruct_on_exit()
    else:
        context.set_state(context.get_input())


@app.entity_trigger(context_name="context")
def folder_window(context: df.DurableEntityContext) -> None:
    context.set_state(context.get_input())
