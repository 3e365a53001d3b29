"""Runs as the app shows them: by their orchestrations, and by the ledger where there is none or none any more."""

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df

from batch.advice import advice
from batch.api.run_view import RunView, attention_view, run_view
from batch.errors import ErrorCode, RunError
from batch.log import log_event
from batch.run.attention import Attention, attention
from batch.run.phases import ENDED_RUNTIME_STATUSES, PENDING, TERMINATED, has_ended
from batch.run.request import RunRequest
from batch.run.state import Run
from batch.run.status import RunStatus
from batch.timestamps import format_timestamp, parse_timestamp
from ledger.run_row import ListedRun, RunList, RunRow
from ledger.runs import end_run, find_row, run_to_start
from ledger.table import Table
from task_hub.ledger import ledger_of
from task_hub.runs import NotARun, RunInHub, find_in_hub

logger = logging.getLogger(__name__)

_ENDS_WITHIN = timedelta(minutes=1)
"""How long a run may take, after its orchestration has ended, to have its end in the ledger."""


@dataclass(frozen=True, slots=True)
class KnownRun:
    """``fingerprint`` is that of its request."""

    fingerprint: str
    view: RunView

    @property
    def ended(self) -> bool:
        return has_ended(self.view["phase"], self.view["runtime_status"])

    def was_asked_for(self, request: RunRequest) -> bool:
        """Whether the run was started with exactly this request."""
        return self.fingerprint == request.fingerprint()


async def find_run(client: df.DurableOrchestrationClient, run_id: str) -> KnownRun | None:
    """Raises NotARun if the id is taken by something else, RunError if the task hub or the ledger fails."""
    table = ledger_of(client)
    in_hub, row = await asyncio.gather(
        find_in_hub(client, run_id), find_row(table, run_id), return_exceptions=True
    )
    if isinstance(in_hub, BaseException):
        raise in_hub
    if isinstance(row, RunError) and in_hub:
        # The orchestration knows all but the moment of the start.
        return _only_in_hub(in_hub)
    if isinstance(row, BaseException):
        raise row
    if row and in_hub is None and not row.is_to_be_started:
        # The run may have been started after the task hub was asked, and before the ledger answered.
        in_hub = await find_in_hub(client, run_id)
    if row:
        return await known(table, row, in_hub)
    return _only_in_hub(in_hub) if in_hub else None


async def known(table: Table, row: RunRow, in_hub: RunInHub | None) -> KnownRun:
    """The run of a row of the ledger."""
    if in_hub and not in_hub.to_be_started_anew:
        return KnownRun(row.request, _with_resolved_inputs(_since(in_hub, row.started_at), row))
    listed = await table.read(row.key_in(RunList.ALL))
    if listed and (ended := ListedRun.of(listed.values)).has_ended:
        return KnownRun(row.request, _with_resolved_inputs(ended_view(ended), row))
    run = await run_to_start(table, row)
    status = status_without_instance(to_be_started=row.is_to_be_started or in_hub is not None)
    return KnownRun(row.request, _view_without_instance(row.run_id, status, row.started_at, run))


def _with_resolved_inputs(view: RunView, row: RunRow) -> RunView:
    """The row knows them from the claim on, and the state only from the execution after the one that submits."""
    resolved = row.submission.resolved_inputs
    return {**view, "resolved_inputs": dict(resolved)} if resolved else view


async def listed_view(client: df.DurableOrchestrationClient, table: Table, listed: ListedRun) -> RunView:
    """A run of a list, without its request. If it goes on, its orchestration is asked, else nobody is."""
    if listed.has_ended:
        return ended_view(listed)
    try:
        in_hub = await find_in_hub(client, listed.run_id, with_request=False)
    except NotARun:
        # Something else took the id between the caller's look at the task hub and its start of the run. The other
        # runs are listed all the same.
        in_hub = None
    if in_hub is None:
        status = status_without_instance(to_be_started=listed.phase == PENDING)
        status = status.model_copy(update={"endpoint_uri": listed.endpoint_uri})
        return _view_without_instance(listed.run_id, status, listed.started_at)
    try:
        await bring_up_to_date(client, table, listed, in_hub)
    except RunError as error:
        # What is to be shown is known. Housekeeping writes the end.
        log_event(logger, logging.WARNING, "run_not_mended", run=listed.run_id, reason=error)
    return _of_row(_since(in_hub, listed.started_at), listed)


async def bring_up_to_date(
    client: df.DurableOrchestrationClient, table: Table, listed: ListedRun, in_hub: RunInHub
) -> None:
    """Writes the end of a run whose own last step did not write it, because of a failure or a terminate."""
    ended_at = parse_timestamp(in_hub.view["ended_at"])
    runtime_status = in_hub.view["runtime_status"]
    if runtime_status not in ENDED_RUNTIME_STATUSES or ended_at is None:
        return
    # A run that was stopped from outside takes no last step.
    takes_last_step = runtime_status in ("Completed", "Failed")
    if takes_last_step and datetime.now(UTC) < ended_at + _ENDS_WITHIN:
        return
    row = await find_row(table, listed.run_id)
    if row:
        await end_run(table, row, (await _with_state(client, in_hub)).end)


async def _with_state(client: df.DurableOrchestrationClient, in_hub: RunInHub) -> RunInHub:
    """The state in the input knows what a custom status that was lost does not, such as the job."""
    try:
        return await find_in_hub(client, in_hub.view["run_id"]) or in_hub
    except NotARun:
        return in_hub


def ended_view(listed: ListedRun) -> RunView:
    status = RunStatus.read(json.loads(listed.status))
    view = run_view(
        listed.run_id,
        status,
        runtime_status=listed.runtime_status,
        started_at=listed.started_at,
        updated_at=listed.started_at,
    )
    return _of_row({**view, "started_at": format_timestamp(listed.started_at)}, listed)


def _of_row(view: RunView, listed: ListedRun) -> RunView:
    """With what the row of the list knows if the status does not."""
    return {**view, "endpoint_uri": view["endpoint_uri"] or listed.endpoint_uri or None}


def _since(in_hub: RunInHub, started_at: datetime) -> RunView:
    """A run starts when it is added to the ledger. Its orchestration begins a little later."""
    view: RunView = {
        **in_hub.view,
        "started_at": format_timestamp(started_at),
        "needs_attention": attention_view(in_hub.attention(started_at, datetime.now(UTC))),
    }
    if view["pending_since"]:
        view["pending_since"] = view["started_at"]
    return view


def status_without_instance(*, to_be_started: bool) -> RunStatus:
    """Of a run that has no orchestration: it is to be started yet, or somebody has deleted the orchestration."""
    if to_be_started:
        return RunStatus(phase=PENDING)
    text = (
        "The task hub holds no orchestration of this run any more. Its job, if there is one, may still run."
    )
    error = {"code": ErrorCode.INTERNAL.value, "message": text, "advice": advice(ErrorCode.INTERNAL)}
    return RunStatus.from_json({"phase": TERMINATED, "error": error})


def _view_without_instance(
    run_id: str, status: RunStatus, started_at: datetime, run: Run | None = None
) -> RunView:
    runtime_status = "Pending" if status.phase == PENDING else "Terminated"
    view = run_view(
        run_id, status, runtime_status=runtime_status, started_at=started_at, updated_at=started_at, run=run
    )
    return {**view, "needs_attention": attention_view(attention_without_instance(status, started_at))}


def attention_without_instance(status: RunStatus, started_at: datetime) -> Attention | None:
    """Of a run whose status is that of ``status_without_instance``."""
    return attention(
        status,
        "Pending",
        started_at=started_at,
        updated_at=started_at,
        poll_interval=None,
        now=datetime.now(UTC),
    )


def _only_in_hub(in_hub: RunInHub) -> KnownRun:
    started_at = parse_timestamp(in_hub.view["started_at"])
    assert started_at is not None, "a view tells the start"
    return KnownRun(in_hub.fingerprint, _since(in_hub, started_at))
