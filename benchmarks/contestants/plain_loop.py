"""The simplest way to write a run: one ``while`` loop, which replays all checks so far at each wake-up."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from batch.names import AUTHORIZE, CHECK_STATUS, INVOKE, NUDGE
from batch.run.state import Run


def plain_loop(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """Input, activities, and the wait on a timer or a nudge are those of the project's own run."""
    request = Run.from_json(context.get_input()).request
    yield context.call_activity(AUTHORIZE, {})
    invoke = {"run_id": context.instance_id, "request": request.model_dump(mode="json")}
    job = (yield context.call_activity(INVOKE, invoke))["job"]
    check = {
        "run_id": context.instance_id,
        "endpoint_uri": request.endpoint_uri,
        "job_name": job["name"],
    }
    interval = timedelta(seconds=request.poll_interval)
    checks = 0
    while True:
        status = (yield context.call_activity(CHECK_STATUS, check))["status"]
        checks += 1
        if status == "Completed":
            return {"job": job, "checks": checks}
        context.set_custom_status({"phase": status, "job": job, "checks": checks})
        timer = context.create_timer(context.current_utc_datetime + interval)
        nudge = context.wait_for_external_event(NUDGE)
        winner = yield context.task_any([timer, nudge])
        if winner == nudge:
            timer.cancel()  # type: ignore[attr-defined]  # the SDK declares the base class
