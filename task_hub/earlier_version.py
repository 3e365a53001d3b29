"""Runs that a version before 1.2 started: it kept no ledger, and their submissions in entities.

A run in flight gets its rows at its next step, all others when the ledger is rebuilt. While hosts of both versions
run, the other version may still write to the entity, so the entity is read as long as the run goes on.
"""

from dataclasses import replace
from uuid import uuid4

import azure.durable_functions as df

from batch.names import JOB_OWNER, SUBMISSION
from batch.run.submission import Submission
from batch.timestamps import parse_timestamp
from ledger.reruns import note_rerun
from ledger.run_row import ListedRun, RunRow, listed_phase, source_of, to_milliseconds
from ledger.runs import insert_rows
from ledger.submissions import change_submission
from ledger.table import Table
from task_hub.instances import entity_state
from task_hub.runs import RunInHub


async def adopt(client: df.DurableOrchestrationClient, table: Table, run: RunInHub) -> RunRow:
    """The row of the run, which is added if there is none."""
    view = run.view
    started_at = parse_timestamp(view["started_at"])
    assert started_at is not None, "a view tells the start"
    rerun_of = run.run.rerun_of if run.run else None
    row = RunRow(
        run_id=view["run_id"],
        started_at=to_milliseconds(started_at),
        request=run.fingerprint,
        start=uuid4().hex,
        starting_at=to_milliseconds(started_at),
        phase=listed_phase(view["phase"]),
        submission=Submission() if run.ended else await _submission(client, view["run_id"]),
        earlier=True,
        first_run=(run.run.first_run or "") if run.run else "",
    )
    listed = ListedRun(
        run_id=row.run_id,
        started_at=row.started_at,
        phase=row.phase,
        endpoint_uri=view["endpoint_uri"] or "",
        source=source_of(view["source"]),
        rerun_of=rerun_of or "",
        tags=view.get("tags", {}),
    )
    if run.ended:
        listed = run.end.of(listed)
    present = await insert_rows(table, row, listed, {})
    if rerun_of:
        await note_rerun(table, rerun_of, row.run_id)
    return present or row


async def with_submission_of_entity(
    client: df.DurableOrchestrationClient, table: Table, row: RunRow
) -> RunRow:
    """The row of a run of an earlier version, with what has come to its entity since."""
    kept = await _submission(client, row.run_id)
    joined = await change_submission(table, row, lambda submission: _joined(submission, kept))
    return row if joined == row.submission else replace(row, submission=joined, etag="")


async def earlier_owner_of(client: df.DurableOrchestrationClient, job_name: str) -> str | None:
    """The id of the run, or None if no run of such a version has this job and goes on."""
    run_id: str | None = await entity_state(client, df.EntityId(JOB_OWNER, job_name))
    return run_id or None


def entities_of(run_id: str, jobs: list[str]) -> list[df.EntityId]:
    """What such a version has left in the task hub for a run."""
    return [df.EntityId(SUBMISSION, run_id), *(df.EntityId(JOB_OWNER, job) for job in jobs)]


async def _submission(client: df.DurableOrchestrationClient, run_id: str) -> Submission:
    return Submission.from_json(await entity_state(client, df.EntityId(SUBMISSION, run_id)))


def _joined(submission: Submission, kept: Submission) -> Submission:
    """A cancel counts wherever it was written. Claims are those of the row, once an attempt has claimed there.

    But the other version may claim again instead of an attempt that the row has from the entity.
    """
    knows_more = kept.marker == submission.marker and kept.claims > submission.claims
    claimed = kept if submission.marker is None or knows_more else submission
    return claimed.cancel() if submission.cancel_requested or kept.cancel_requested else claimed
