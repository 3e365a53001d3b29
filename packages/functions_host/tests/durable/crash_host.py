"""A host that test_kill.py runs as a process: ``python -m ... STORE LOG``.

It prints ``ready``, starts the orchestrations that do not exist yet, and prints the outcomes as JSON when all have
ended.
"""

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path

from azure.durable_functions import EntityId, RetryOptions

from functions_host.durable.clock import RealClock
from functions_host.durable.hub_options import HubOptions
from functions_host.durable.store.store import Store
from functions_host.durable.task_hub import DurableTaskHub
from packages.functions_host.tests.durable.sdk_worker import SdkWorker, output

ORCHESTRATIONS = 30
ROUNDS = 3
FAN_OUT = 4
VISIBILITY = timedelta(milliseconds=200)


def make_worker(log: Path) -> SdkWorker:
    worker = SdkWorker()

    @worker.activity
    async def act(call):
        await asyncio.sleep(0.005)
        with log.open("a") as file:
            file.write(f"{call}\n")
        return 1

    @worker.activity
    def fails_first(call):
        if call not in log.read_text().splitlines():
            with log.open("a") as file:
                file.write(f"{call}\n")
            raise ValueError("first time")
        return 1

    @worker.entity
    def counter(context):
        context.set_state(context.get_state(lambda: 0) + context.get_input())
        context.set_result(True)

    @worker.orchestrator
    def child(context):
        call = f"{context.parent_instance_id} child {context.get_input()}"
        return (yield context.call_activity_with_retry("fails_first", RetryOptions(10, 3), call))

    @worker.orchestrator
    def work(context):
        number, total = context.get_input()
        me = context.instance_id
        calls = [context.call_activity("act", f"{me} {number} {n}") for n in range(FAN_OUT)]
        total += sum((yield context.task_all(calls)))
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
        yield context.call_entity(EntityId("counter", "called"), "add", 1)
        context.signal_entity(EntityId("counter", "signalled"), "add", 1)
        total += yield context.call_sub_orchestrator("child", number)
        if number + 1 < ROUNDS:
            context.continue_as_new([number + 1, total])
        return total

    return worker


async def main(store_path: Path, log: Path) -> None:
    store = Store(store_path)
    options = HubOptions(control_queue_visibility=VISIBILITY, work_item_queue_visibility=VISIBILITY)
    hub = DurableTaskHub(store, make_worker(log), options, RealClock())
    hub.begin()
    print("ready", flush=True)
    ids = [f"work-{number}" for number in range(ORCHESTRATIONS)]
    for instance_id in ids:
        if await hub.get(instance_id) is None:
            await hub.start("work", json.dumps(json.dumps([0, 0])), instance_id)
            await asyncio.sleep(0.002)
    outputs = [output(await hub.wait(instance_id)) for instance_id in ids]
    signals = str(ORCHESTRATIONS * ROUNDS)
    # The last signals may not have arrived yet.
    while (entity := await hub.get_entity("counter", "signalled")) is None or entity.state != signals:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    entities, _ = await hub.list_entities("counter")
    print(
        json.dumps({"outputs": outputs, "entities": {each.key: each.state for each in entities}}), flush=True
    )
    await hub.stop()
    store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
