"""Many small orchestrations, whose outcomes on the Durable extension are recorded."""

from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

tries: dict[str, int] = {}


# --- activities -----------------------------------------------------------------------------------------


@app.activity_trigger(input_name="value")
def echo(value):
    return value


@app.activity_trigger(input_name="value")
def kind(value):
    return type(value).__name__


@app.activity_trigger(input_name="value")
def boom(value):
    raise ValueError(f"boom {value}")


@app.activity_trigger(input_name="value")
def nothing(value):
    return None


@app.activity_trigger(input_name="value")
def flaky(value):
    key = value["key"]
    tries[key] = tries.get(key, 0) + 1
    if tries[key] < value["ok_at"]:
        raise RuntimeError(f"try {tries[key]}")
    return tries[key]


# --- the entity -----------------------------------------------------------------------------------------


@app.entity_trigger(context_name="context")
def counter(context):
    total = context.get_state(lambda: 0)
    operand = context.get_input()
    match context.operation_name:
        case "add":
            context.set_state(total + operand)
            context.set_result(total + operand)
        case "get":
            context.set_result(total)
        case "fail":
            context.set_state(total + 100)
            raise RuntimeError(f"entity says no at {total}")
        case "gone":
            context.destruct_on_exit()


# --- activities called ----------------------------------------------------------------------------------


@app.orchestration_trigger(context_name="context")
def o_echo(context):
    answers = []
    for value in (
        None,
        1,
        1.5,
        True,
        "text",
        "äöü€😀",
        "",
        "null",
        "{}",
        [1, 2],
        {"a": None},
        "2020-01-01T00:00:00Z",
    ):
        answers.append((yield context.call_activity("echo", value)))
    return answers


@app.orchestration_trigger(context_name="context")
def o_kinds(context):
    answers = []
    for value in (1, 1.5, True, "text", [1], {"a": 1}):
        answers.append((yield context.call_activity("kind", value)))
    return answers


@app.orchestration_trigger(context_name="context")
def o_none(context):
    yield context.call_activity("nothing", 1)


@app.orchestration_trigger(context_name="context")
def o_boom(context):
    yield context.call_activity("boom", "x")


@app.orchestration_trigger(context_name="context")
def o_caught(context):
    try:
        yield context.call_activity("boom", "y")
    except Exception as error:
        return [type(error).__name__, str(error)[:400]]


@app.orchestration_trigger(context_name="context")
def o_no_activity(context):
    try:
        return (yield context.call_activity("no_such", 1))
    except Exception as error:
        return str(error)[:300]


@app.orchestration_trigger(context_name="context")
def o_retry(context):
    options = df.RetryOptions(200, 3)
    value = {"key": context.instance_id, "ok_at": 3}
    return (yield context.call_activity_with_retry("flaky", options, value))


@app.orchestration_trigger(context_name="context")
def o_retry_out(context):
    options = df.RetryOptions(200, 2)
    try:
        yield context.call_activity_with_retry("flaky", options, {"key": context.instance_id, "ok_at": 9})
    except Exception as error:
        return str(error)[:300]


@app.orchestration_trigger(context_name="context")
def o_all(context):
    return (yield context.task_all([context.call_activity("echo", number) for number in range(5)]))


@app.orchestration_trigger(context_name="context")
def o_all_fails(context):
    calls = [
        context.call_activity("echo", 1),
        context.call_activity("boom", 2),
        context.call_activity("echo", 3),
    ]
    try:
        yield context.task_all(calls)
    except Exception as error:
        return str(error)[:300]


@app.orchestration_trigger(context_name="context")
def o_any(context):
    timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=5))
    winner = yield context.task_any([timer, context.call_activity("echo", "first")])
    timer.cancel()
    return winner.result


@app.orchestration_trigger(context_name="context")
def o_big(context):
    return len((yield context.call_activity("echo", "x" * 200_000)))


@app.orchestration_trigger(context_name="context")
def o_many(context):
    for number in range(30):
        yield context.call_activity("echo", number)
    return "30"


# --- the orchestrator's own end and state ---------------------------------------------------------------


@app.orchestration_trigger(context_name="context")
def o_input(context):
    return [context.get_input(), type(context.get_input()).__name__]
    yield


@app.orchestration_trigger(context_name="context")
def o_raises(context):
    yield context.call_activity("echo", 1)
    raise KeyError("own fault")


@app.orchestration_trigger(context_name="context")
def o_secret(context):
    yield context.call_activity("echo", {"path": "a/key=1/b"})
    raise ValueError("fails with ?sig=abc in it")


@app.orchestration_trigger(context_name="context")
def o_nondet(context):
    yield context.call_activity("kind" if context.is_replaying else "echo", 1)
    yield context.call_activity("echo", 2)
    return "ok"


@app.orchestration_trigger(context_name="context")
def o_guid(context):
    first = context.new_uuid()
    yield context.call_activity("echo", 1)
    second = context.new_uuid()
    return [len(first), first != second]


@app.orchestration_trigger(context_name="context")
def o_status(context):
    context.set_custom_status("first")
    yield context.call_activity("echo", 1)
    context.set_custom_status({"second": [1, None]})
    yield context.wait_for_external_event("go")
    return None


@app.orchestration_trigger(context_name="context")
def o_again(context):
    number = context.get_input() or 0
    context.set_custom_status({"n": number})
    yield context.call_activity("echo", number)
    if number < 3:
        context.continue_as_new(number + 1)
        return None
    return number


# --- timers and events ----------------------------------------------------------------------------------


@app.orchestration_trigger(context_name="context")
def o_timer(context):
    due = context.current_utc_datetime + timedelta(seconds=2.5)
    yield context.create_timer(due)
    return ["early" if context.current_utc_datetime < due else "late"]


@app.orchestration_trigger(context_name="context")
def o_wait(context):
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))


@app.orchestration_trigger(context_name="context")
def o_event(context):
    return (yield context.wait_for_external_event("go"))


@app.orchestration_trigger(context_name="context")
def o_two_events(context):
    first = yield context.wait_for_external_event("go")
    second = yield context.wait_for_external_event("go")
    return [first, second]


@app.orchestration_trigger(context_name="context")
def o_any_events(context):
    go, other = context.wait_for_external_event("go"), context.wait_for_external_event("other")
    winner = yield context.task_any([go, other])
    return "go" if winner == go else "other"


@app.orchestration_trigger(context_name="context")
def o_again_events(context):
    """Continues as new four seconds after its start, and then waits for an event."""
    if not context.get_input():
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=4))
        context.continue_as_new(1)
        return None
    return (yield context.wait_for_external_event("go"))


# --- children and entities ------------------------------------------------------------------------------


@app.orchestration_trigger(context_name="context")
def o_sub(context):
    child_id = f"{context.instance_id}:child"
    return (yield context.call_sub_orchestrator("o_input", {"from": "parent"}, instance_id=child_id))


@app.orchestration_trigger(context_name="context")
def o_sub_auto(context):
    return (yield context.call_sub_orchestrator("o_input", 7))


@app.orchestration_trigger(context_name="context")
def o_sub_fails(context):
    try:
        yield context.call_sub_orchestrator("o_raises")
    except Exception as error:
        return str(error)[:400]


@app.orchestration_trigger(context_name="context")
def o_sub_retry(context):
    return (yield context.call_sub_orchestrator_with_retry("o_retry", df.RetryOptions(200, 2)))


@app.orchestration_trigger(context_name="context")
def o_entity(context):
    entity = df.EntityId("counter", context.instance_id)
    answers = [(yield context.call_entity(entity, "add", 5))]
    context.signal_entity(entity, "add", 2)
    answers.append((yield context.call_entity(entity, "get")))
    try:
        yield context.call_entity(entity, "fail")
    except Exception as error:
        answers.append(str(error)[:200])
    answers.append((yield context.call_entity(entity, "get")))
    yield context.call_entity(entity, "gone")
    answers.append((yield context.call_entity(entity, "get")))
    return answers


@app.orchestration_trigger(context_name="context")
def o_entity_unknown(context):
    try:
        return (yield context.call_entity(df.EntityId("no_such", "k"), "get"))
    except Exception as error:
        return str(error)[:200]
