"""Which run a job belongs to."""

import azure.durable_functions as df

from ledger import job_owners
from ledger.run_row import RunRow
from task_hub.earlier_version import earlier_owner_of
from task_hub.ledger import ledger_of


async def own_job(client: df.DurableOrchestrationClient, row: RunRow, job_name: str) -> bool:
    """Whether the job belongs to this run, because no other came first. Raises RunError if the ledger fails."""
    return await job_owners.own_job(ledger_of(client), row, job_name) == row.run_id


async def owner_of(client: df.DurableOrchestrationClient, job_name: str) -> str | None:
    """The id of the run, which may have ended, or None if no run has the job. Raises RunError if the ledger fails."""
    owner = await job_owners.owner_of(ledger_of(client), job_name)
    return owner or await earlier_owner_of(client, job_name)
