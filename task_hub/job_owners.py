"""Which run a job belongs to, as the entity ``job_owner`` keeps it."""

import azure.durable_functions as df

from batch.names import JOB_OWNER


async def owner_of(client: df.DurableOrchestrationClient, job_name: str) -> str | None:
    """The id of the run, or None if no run that goes on has this job."""
    owner = await client.read_entity_state(df.EntityId(JOB_OWNER, job_name))
    # durable-functions behaviour: an entity that was destructed still exists, its state is null.
    run_id: str | None = owner.entity_state if owner.entity_exists else None
    return run_id or None
