"""Runs as their orchestrations show them, through the durable client."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from batch.api.run_view import RunView, run_view
from batch.names import BATCH_RUN, NUDGE
from batch.run.attention import Attention, attention
from batch.run.believed_status import believed_status
from batch.run.phases import OUTCOMES, has_ended
from batch.run.state import Run
from batch.run.status import RunResult, RunStatus
from ledger.runs import RunEnd
from task_hub.instances import instance_status

START_ANEW = "The run did not start for an hour. Housekeeping starts it anew."
"""The reason with which an orchestration is terminated so that its run can be started again."""


class NotARun(Exception):
    """The id belongs to an instance that is not a run."""


@dataclass(frozen=True, slots=True)
class RunInHub:
    """``fingerprint`` is that of the request with which the run was started; empty if the input was not read.

    ``poll_interval`` is None in that case. ``to_be_started_anew``: the orchestration was terminated with START_ANEW,
    and the run is shown as pending.
    """

    fingerprint: str
    status: RunStatus
    view: RunView
    updated_at: datetime
    poll_interval: timedelta | None
    to_be_started_anew: bool

    @property
    def ended(self) -> bool:
        return has_ended(self.view["phase"], self.view["runtime_status"])

    def attention(self, started_at: datetime, now: datetime) -> Attention | None:
        """``started_at`` is when the run was added to the ledger."""
        return attention(
            self.status,
            self.view["runtime_status"],
            started_at=started_at,
            updated_at=self.updated_at,
            poll_interval=self.poll_interval,
            now=now,
        )

    @property
    def end(self) -> RunEnd:
        """How the run ended; when, the runtime tells if the run did not."""
        status = self.status.model_copy(update={"ended_at": self.view["ended_at"]})
        return RunEnd(status, self.view["runtime_status"])


async def find_in_hub(
    client: df.DurableOrchestrationClient, run_id: str, *, with_request: bool = True
) -> RunInHub | None:
    """Raises NotARun if the id is taken by something else, RunError if the task hub fails."""
    found = await instance_status(client, run_id, show_input=with_request)
    if found is None:
        return None
    assert found.runtime_status and found.created_time and found.last_updated_time
    if found.name != BATCH_RUN:
        raise NotARun(f"The id {run_id} belongs to an instance of {found.name}.")
    run = _run(run_id, found.input_) if with_request else None
    runtime_status = found.runtime_status.value
    status = believed_status(runtime_status, found.custom_status, found.output, run)
    anew = _is_to_be_started_anew(runtime_status, found.output, found.custom_status)
    if anew:
        runtime_status, status = "Pending", RunStatus()
    view = run_view(
        run_id,
        status,
        runtime_status=runtime_status,
        started_at=found.created_time,
        updated_at=found.last_updated_time,
        run=run,
        result=RunResult.read(found.output) if runtime_status == "Completed" else None,
    )
    return RunInHub(
        fingerprint=run.request.fingerprint() if run else "",
        status=status,
        view=view,
        updated_at=found.last_updated_time,
        poll_interval=timedelta(seconds=run.request.poll_interval) if run else None,
        to_be_started_anew=anew,
    )


async def nudge(client: df.DurableOrchestrationClient, run_id: str) -> bool:
    """Makes the run check its job now. False if there is none, it has ended, or is to be started anew."""
    try:
        run = await find_in_hub(client, run_id, with_request=False)
    except NotARun:
        return False
    if run is None or run.ended or run.to_be_started_anew:
        return False
    await client.raise_event(run_id, NUDGE)
    return True


def decoded_input(value: Any) -> Any:
    """The SDK's client sends the input as JSON within JSON. The status shows it with one layer removed."""
    return json.loads(value) if isinstance(value, str) else value


def _is_to_be_started_anew(runtime_status: str, output: object, custom_status: object) -> bool:
    """Also a run that began just before the terminate came: its next orchestration finds the job, if there is one."""
    stopped = runtime_status == "Terminated" and output == START_ANEW
    return stopped and RunStatus.read(custom_status).phase not in OUTCOMES


def _run(run_id: str, value: Any) -> Run:
    try:
        return Run.from_json(decoded_input(value))
    except ValueError:
        raise NotARun(f"The id {run_id} belongs to an instance that was not started as a run.") from None
