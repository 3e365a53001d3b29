"""Runs as the task hub knows them, through the durable client."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from batch.api.continuation import Continuation
from batch.api.run_query import RunQuery
from batch.api.run_view import RunView, run_view
from batch.names import BATCH_RUN, NUDGE
from batch.run.believed_status import believed_status
from batch.run.phases import has_ended
from batch.run.request import RunRequest
from batch.run.state import Run
from batch.timestamps import format_timestamp
from task_hub.instances import instance_status, instances_page, start_once, time_of

_HUB_PAGE = 500
_MAX_HUB_PAGES = 64
"""Pages of one call. The hub lists the two entities of each run before the runs: this reaches past 10,000 runs."""

_LONGEST_PENDING = timedelta(hours=1)
"""How long after its creation a run may start, when the app is flooded."""


class NotARun(Exception):
    """The id belongs to an instance that is not a run."""


@dataclass(frozen=True, slots=True)
class ExistingRun:
    """``request`` is what the run was started with."""

    request: RunRequest
    ended: bool
    view: RunView


async def find_run(client: df.DurableOrchestrationClient, run_id: str) -> ExistingRun | None:
    """Raises NotARun if the id is taken by something else, RunError if the task hub fails."""
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
    view = run_view(
        run_id,
        runtime_status=status.runtime_status.value,
        created_at=status.created_time,
        updated_at=status.last_updated_time,
        run=run,
        custom_status=status.custom_status,
        output=status.output,
    )
    return ExistingRun(run.request, has_ended(view["phase"], view["runtime_status"]), view)


async def start_run(client: df.DurableOrchestrationClient, run_id: str, run: Run) -> ExistingRun | None:
    """None if this call started the run, else the run that exists, from this request or another.

    Raises as ``find_run`` does.
    """
    return await start_once(client, BATCH_RUN, run_id, run.to_json(), lambda: find_run(client, run_id))


async def nudge(client: df.DurableOrchestrationClient, run_id: str) -> bool:
    """Makes the run check its job now. False if there is no such run, or it has ended."""
    status = await instance_status(client, run_id)
    if status is None or status.runtime_status is None:
        return False
    runtime_status = status.runtime_status.value
    believed = believed_status(runtime_status, status.custom_status, status.output)
    if has_ended(believed.phase, runtime_status):
        return False
    await client.raise_event(run_id, NUDGE)
    return True


async def list_runs(
    client: df.DurableOrchestrationClient, query: RunQuery
) -> tuple[list[RunView], str | None]:
    """One page of runs, and the place of the next one: None after the last page. A page may hold fewer than ``top``.

    Raises RunError if the task hub does not answer.
    """
    runs: list[RunView] = []
    token, after = query.place.hub_token, query.place.after
    for _ in range(_MAX_HUB_PAGES):
        instances, following = await instances_page(client, _params(query), token)
        shown, after = _behind(after, instances)
        for instance in shown:
            if instance["name"] != BATCH_RUN or not query.selects(view := _listed(instance)):
                continue
            if len(runs) == query.top:
                return runs, Continuation(token, runs[-1]["run_id"]).encode()
            runs.append(view)
        if following is None:
            return runs, None
        token = following
        if len(runs) == query.top:
            break
    return runs, Continuation(token, after).encode()


def _behind(after: str, instances: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """The instances after the id ``after``, and the id after which the next page starts; empty for its start.

    The instance may have been purged, or others, started meanwhile, may have moved it into a later page.
    durable-functions behaviour: on Azure Storage a hub lists by id, ordinal.
    """
    ids = [instance["instanceId"] for instance in instances]
    if after in ids:
        return instances[ids.index(after) + 1 :], ""
    behind = [instance for instance in instances if instance["instanceId"] > after]
    return behind, "" if behind else after


def _params(query: RunQuery) -> dict[str, str]:
    params = {"top": str(_HUB_PAGE), "showInput": "false", "instanceIdPrefix": query.prefix}
    if query.started_from:
        # The creation time in the task hub changes with every continue-as-new, so it bounds from one side only.
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
        run=None,
        custom_status=instance["customStatus"],
        output=instance["output"],
    )


def decoded_input(value: Any) -> Any:
    """The SDK's client sends the input as JSON within JSON. The status shows it with one layer removed."""
    return json.loads(value) if isinstance(value, str) else value
