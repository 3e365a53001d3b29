"""One orchestrator per durable feature, and HTTP triggers that make each call of the durable client."""

import json
import logging
import os
import time
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)

calls: dict[str, int] = {}
switches: set[str] = set()


# --- the durable client, called over HTTP ---------------------------------------------------------------


@app.route(route="start/{orchestrator}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    client_input = req.get_json() if req.get_body() else None
    instance_id = await client.start_new(
        req.route_params["orchestrator"], req.params.get("id"), client_input, req.params.get("version")
    )
    return client.create_check_status_response(req, instance_id)


@app.route(route="client/{method}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def call_client(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    arguments = req.get_json()
    if "entity" in arguments:
        arguments["entityId"] = df.EntityId(*arguments.pop("entity"))
    try:
        result = await getattr(client, req.route_params["method"])(**arguments)
    except Exception as error:
        return func.HttpResponse(json.dumps({"error": str(error)}), mimetype="application/json")
    return func.HttpResponse(json.dumps({"result": _plain(result)}), mimetype="application/json")


@app.route(route="wait/{orchestrator}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start_and_wait(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance_id = await client.start_new(req.route_params["orchestrator"])
    return await client.wait_for_completion_or_create_check_status_response(
        req, instance_id, timeout_in_milliseconds=int(req.params["ms"]), retry_interval_in_milliseconds=20
    )


@app.route(route="payload/{id}")
@app.durable_client_input(client_name="client")
async def payload(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(client.create_http_management_payload(req.route_params["id"])))


@app.route(route="by_state")
@app.durable_client_input(client_name="client")
async def by_state(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    statuses = await client.get_status_by(
        created_time_from=datetime.fromisoformat(req.params["since"]),
        created_time_to=datetime.now(UTC) + timedelta(hours=1),
        runtime_status=[df.OrchestrationRuntimeStatus.Completed, df.OrchestrationRuntimeStatus.Failed],
    )
    return func.HttpResponse(json.dumps([status.runtime_status.value for status in statuses]))


@app.route(route="switch/{name}", methods=["POST"])
def switch(req: func.HttpRequest) -> func.HttpResponse:
    switches.symmetric_difference_update({req.route_params["name"]})
    return func.HttpResponse(json.dumps(sorted(switches)))


@app.route(route="calls/{name}")
def called(req: func.HttpRequest) -> str:
    return str(calls.get(req.route_params["name"], 0))


def _plain(result):
    if isinstance(result, list):
        return [_plain(item) for item in result]
    if hasattr(result, "runtime_status"):
        return result.to_json() if result else None
    if hasattr(result, "instances_deleted"):
        return result.instances_deleted
    if hasattr(result, "entity_exists"):
        return {"exists": result.entity_exists, "state": result.entity_state}
    return result


# --- activities -----------------------------------------------------------------------------------------


@app.activity_trigger(input_name="name")
def greet(name: str) -> str:
    return f"Hello {name}!"


@app.activity_trigger(input_name="payload", activity="Echo")
async def echo_activity(payload):
    return payload


@app.activity_trigger(input_name="text")
def fail(text: str) -> None:
    raise ValueError(text)


@app.activity_trigger(input_name="nothing")
def fail_with_a_key_in_the_traceback(nothing) -> None:
    raise ValueError("no luck", *dict(key="S3cr3tMarker").values())  # noqa: C408 - the traceback quotes this line


@app.activity_trigger(input_name="plan")
def fail_first(plan: dict) -> int:
    """Fails until it has been called ``plan["failures"]`` times."""
    key = plan["key"]
    calls[key] = calls.get(key, 0) + 1
    if calls[key] <= plan["failures"]:
        raise RuntimeError(f"attempt {calls[key]}")
    return calls[key]


@app.activity_trigger(input_name="nothing")
def block(nothing) -> str:
    """Takes a minute, unless the host was started with UNBLOCKED."""
    calls["blocked"] = calls.get("blocked", 0) + 1
    if "UNBLOCKED" not in os.environ:
        time.sleep(60)
    return "unblocked"


@app.activity_trigger(input_name="nothing")
@app.durable_client_input(client_name="client")
async def look_at_self(nothing, client) -> str:
    status = await client.get_status(nothing)
    return status.runtime_status.value


# --- orchestrators --------------------------------------------------------------------------------------


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext):
    greetings = []
    for name in context.get_input() or ["Ada", "Bob"]:
        greetings.append((yield context.call_activity("greet", name)))
    return greetings


@app.orchestration_trigger(context_name="context", orchestration="RoundTrip")
def round_trip(context: df.DurableOrchestrationContext):
    value = yield context.call_activity("Echo", context.get_input())
    return {"value": value, "version": context.version, "instance": context.instance_id}


@app.orchestration_trigger(context_name="context")
def plain_return(context: df.DurableOrchestrationContext):
    return "no yield"


@app.orchestration_trigger(context_name="context")
def fan_out(context: df.DurableOrchestrationContext):
    return (yield context.task_all([context.call_activity("Echo", n) for n in range(context.get_input())]))


@app.orchestration_trigger(context_name="context")
def asks_the_client(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("look_at_self", context.instance_id))


@app.orchestration_trigger(context_name="context")
def blocking(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("block"))


@app.orchestration_trigger(context_name="context")
def failing(context: df.DurableOrchestrationContext):
    yield context.call_activity("fail", "boom")


@app.orchestration_trigger(context_name="context")
def failing_with_a_key_in_the_traceback(context: df.DurableOrchestrationContext):
    yield context.call_activity("fail_with_a_key_in_the_traceback")


@app.orchestration_trigger(context_name="context")
def catching(context: df.DurableOrchestrationContext):
    try:
        yield context.call_activity("fail", "boom")
    except Exception as error:
        yield context.call_activity("Echo", "cleaned up")
        return str(error)


@app.orchestration_trigger(context_name="context")
def raising(context: df.DurableOrchestrationContext):
    yield context.call_activity("Echo", 1)
    raise RuntimeError("the orchestrator itself")


@app.orchestration_trigger(context_name="context")
def raising_without_yield(context: df.DurableOrchestrationContext):
    raise RuntimeError("before anything")


@app.orchestration_trigger(context_name="context")
def retrying(context: df.DurableOrchestrationContext):
    plan = context.get_input()
    return (yield context.call_activity_with_retry("fail_first", df.RetryOptions(10, plan["attempts"]), plan))


@app.orchestration_trigger(context_name="context")
def sleeping(context: df.DurableOrchestrationContext):
    began = context.current_utc_datetime
    yield context.create_timer(began + timedelta(milliseconds=context.get_input()))
    return (context.current_utc_datetime - began).total_seconds()


@app.orchestration_trigger(context_name="context")
def waiting(context: df.DurableOrchestrationContext):
    context.set_custom_status({"waiting": "approval"})
    return (yield context.wait_for_external_event("approval"))


@app.orchestration_trigger(context_name="context")
def event_or_timeout(context: df.DurableOrchestrationContext):
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=context.get_input()))
    event = context.wait_for_external_event("go")
    winner = yield context.task_any([timer, event])
    if winner is event:
        timer.cancel()
        return event.result
    return "timeout"


@app.orchestration_trigger(context_name="context")
def parent(context: df.DurableOrchestrationContext):
    child_id = f"{context.instance_id}-child"
    return (yield context.call_sub_orchestrator("RoundTrip", {"from": context.instance_id}, child_id))


@app.orchestration_trigger(context_name="context")
def parent_of_failing(context: df.DurableOrchestrationContext):
    try:
        yield context.call_sub_orchestrator("failing")
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def counting_down(context: df.DurableOrchestrationContext):
    left = context.get_input()
    yield context.call_activity("Echo", left)
    if left > 0:
        context.continue_as_new(left - 1)
    return "lift-off"


@app.orchestration_trigger(context_name="context")
def rewindable(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("fail_first", context.get_input()))


@app.orchestration_trigger(context_name="context")
def switched(context: df.DurableOrchestrationContext):
    yield context.call_activity("Echo" if "deployed" in switches else "greet", "either")
    yield context.wait_for_external_event("go")
    return "done"


@app.orchestration_trigger(context_name="context")
def calls_unknown_activity(context: df.DurableOrchestrationContext):
    yield context.call_activity("no_such_activity")


@app.orchestration_trigger(context_name="context")
def calls_unknown_orchestrator(context: df.DurableOrchestrationContext):
    yield context.call_sub_orchestrator("no_such_orchestrator")


@app.orchestration_trigger(context_name="context")
def calls_unknown_entity(context: df.DurableOrchestrationContext):
    yield context.call_entity(df.EntityId("no_such_entity", "k"), "get")


@app.orchestration_trigger(context_name="context")
def returns_an_object(context: df.DurableOrchestrationContext):
    return object()


@app.orchestration_trigger(context_name="context")
def uses_entity(context: df.DurableOrchestrationContext):
    counter = df.EntityId("Counter", context.get_input())
    context.signal_entity(counter, "add", 5)
    yield context.call_entity(counter, "add", 3)
    return (yield context.call_entity(counter, "get"))


@app.orchestration_trigger(context_name="context")
def asks_entity_too_much(context: df.DurableOrchestrationContext):
    try:
        yield context.call_entity(df.EntityId("counter", "strict"), "divide", 0)
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def logs_once(context: df.DurableOrchestrationContext):
    if not context.is_replaying:
        logging.info("before the activity")
    yield context.call_activity("Echo", 1)
    if not context.is_replaying:
        logging.info("after the activity")


# --- entities -------------------------------------------------------------------------------------------


@app.entity_trigger(context_name="context", entity_name="Counter")
def counter_entity(context: df.DurableEntityContext):
    value = context.get_state(lambda: 0)
    if context.operation_name == "add":
        value += context.get_input()
    elif context.operation_name == "delete":
        context.destruct_on_exit()
        return
    elif context.operation_name == "divide":
        value //= context.get_input()
    context.set_state(value)
    context.set_result(value)
