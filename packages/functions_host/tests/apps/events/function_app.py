"""Event Grid and timer triggers that record their input in the file ``SEEN``, one JSON line each."""

import asyncio
import json
import os
from collections import Counter
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp()
attempts: Counter[str] = Counter()
arrived: set[str] = set()


def note(by: str, **seen: object) -> None:
    with Path(os.environ["SEEN"]).open("a") as file:
        file.write(json.dumps({"by": by, **seen}) + "\n")


@app.event_grid_trigger(arg_name="event")
def receive(event: func.EventGridEvent):
    # The payload, not the annotation, decides which of the two classes the worker uses.
    if isinstance(event, func.EventGridEvent):
        envelope = {"type": event.event_type, "from": event.topic, "time": event.event_time}
    else:
        envelope = {"type": event.type, "from": event.source, "time": event.time}
    envelope["time"] = envelope["time"] and envelope["time"].isoformat()
    note("receive", kind=type(event).__name__, id=event.id, data=event.get_json(), **envelope)


@app.event_grid_trigger(arg_name="event")
def read(event: str):
    note("read", event=json.loads(event))


@app.event_grid_trigger(arg_name="event")
def refuse(event: func.EventGridEvent):
    """Fails as often as the event's data says, then succeeds."""
    attempts[event.id] += 1
    if attempts[event.id] <= event.get_json()["failures"]:
        raise RuntimeError(f"no room for {event.id}")
    note("refuse", id=event.id, attempt=attempts[event.id])


@app.event_grid_trigger(arg_name="event")
async def meet(event: func.EventGridEvent):
    """Ends when ``party`` events are handled at the same time."""
    arrived.add(event.id)
    async with asyncio.timeout(10):
        while len(arrived) < event.get_json()["party"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    note("meet", id=event.id)


@app.event_grid_trigger(arg_name="event")
@app.durable_client_input(client_name="client")
async def start(event: func.EventGridEvent, client: df.DurableOrchestrationClient):
    await client.start_new("noting", event.id, event.get_json())


@app.orchestration_trigger(context_name="context")
def noting(context: df.DurableOrchestrationContext):
    return context.get_input()
    yield


@app.timer_trigger(arg_name="timer", schedule="%TICKS%")
def ticking(timer: func.TimerRequest):
    note("ticking", past_due=timer.past_due, status=timer.schedule_status)


@app.timer_trigger(arg_name="timer", schedule="0 0 4 * * *", run_on_startup=True)
async def daily(timer: func.TimerRequest):
    note("daily", past_due=timer.past_due, status=timer.schedule_status)


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
def yearly(timer: func.TimerRequest):
    note("yearly", past_due=timer.past_due, status=timer.schedule_status)


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", use_monitor=False)
def unmonitored(timer: func.TimerRequest):
    note("unmonitored", past_due=timer.past_due, status=timer.schedule_status)
    raise RuntimeError("this timer always fails")
