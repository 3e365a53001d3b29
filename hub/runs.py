"""Runs as the task hub knows them, through the durable client."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from batch.contract import RunRequest
from batch.function_names import BATCH_RUN, NUDGE
from batch.run import Run
from batch.run_query import RunQuery
from batch.run_view import RunView, has_ended, run_view
from batch.timestamps import format_timestamp
from hub.instances import instance_status, instances_page, start_once, time_of

_MAX_EMPTY_PAGES = 20
_LONGEST_PENDING = timedelta(hours=1)
"""How long after its creation a run may start, when the app is flooded."""


class NotARun(Exception):
    """The id belongs to an instance of another orchestration."""


@dataclass(frozen=True, slots=True)
class ExistingRun:
    """``view`` is the run in our words; ``request`` is what it was started with."""

    request: RunRequest
    ended: bool
    view: RunView


async def find_run(client: df.DurableOrchestrationClient, run_id: str) -> ExistingRun | None:
    """Raises NotARun if the id is taken by something else, RunError if the task hub can not tell."""
    status = await instance_status(client, run_id, show_input=True)
    if status is None:
        return None
    assert status.runtime_status and status.created_time and status.last_updated_time
    if status.name != BATCH_RUN:
        raise NotARun(f"The id {run_id} belongs to an instance of {status.name}.")
    try:
        run = Run.from_json(decoded_input(status.input_))
    except ValueError:
        raise NotARun(f"The id {run_id} belongs to an instance that was not started as a run.") from None
    runtime_status = status.runtime_status.value
    view = run_view(
        run_id,
        runtime_status=runtime_status,
        created_at=status.created_time,
        updated_at=status.last_updated_time,
        request=run.request,
        source=run.source,
        custom_status=status.custom_status,
        output=status.output,
    )
    return ExistingRun(run.request, has_ended(runtime_status), view)


async def start_run(client: df.DurableOrchestrationClient, run_id: str, run: Run) -> ExistingRun | None:
    """None if this call started the run, else the run that is there, from this request or another.

    Raises as ``find_run`` does.
    """
    return await start_once(client, BATCH_RUN, run_id, run.to_json(), lambda: find_run(client, run_id))


async def nudge(client: df.DurableOrchestrationClient, run_id: str) -> bool:
    """Has the run check now; False if there is no such run, or it has ended."""
    status = await instance_status(client, run_id)
    if status is None or status.runtime_status is None or has_ended(status.runtime_status.value):
        return False
    await client.raise_event(run_id, NUDGE)
    return True


async def list_runs(
    client: df.DurableOrchestrationClient, query: RunQuery
) -> tuple[list[RunView], str | None]:
    """One page of runs and the token of the next. Fewer than ``top`` is no sign of the end; no token is.

    Raises InvalidRequest for a token that the task hub does not know.
    """
    continuation = query.continuation
    for _ in range(_MAX_EMPTY_PAGES):
        instances, continuation = await instances_page(client, _params(query), continuation)
        views = [_listed(instance) for instance in instances if instance["name"] == BATCH_RUN]
        selected = [view for view in views if query.selects(view)]
        if selected or continuation is None:
            return selected, continuation
    return [], continuation


def _params(query: RunQuery) -> dict[str, str]:
    params = {"top": str(query.top), "showInput": "false", "instanceIdPrefix": query.prefix}
    if query.started_from:
        # The runtime's creation time moves on with every continue-as-new, so it bounds from one side only.
        params["createdTimeFrom"] = format_timestamp(query.started_from - _LONGEST_PENDING)
    if query.phases:
        params["runtimeStatus"] = ",".join(query.runtime_statuses)
    return params


def _listed(instance: dict[str, Any]) -> RunView:
    return run_view(
        instance["instanceId"],
        runtime_status=instance["runtimeStatus"],
        created_at=time_of(instance, "createdTime"),
        updated_at=time_of(instance, "lastUpdatedTime"),
        request=None,
        custom_status=instance["customStatus"],
        output=instance["output"],
    )


def decoded_input(value: Any) -> Any:
    """The SDK's client sends input as JSON within JSON; the status shows it with one layer taken off."""
    return json.loads(value) if isinstance(value, str) else value
