"""Which run a job belongs to; the key is the job's name. There while the run goes on, for events to find it."""

import azure.durable_functions as df

from batch.names import JOB_OWNER

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name=JOB_OWNER)
def job_owner(context: df.DurableEntityContext) -> None:
    """Operations: ``own`` with the run id, ``release``."""
    if context.operation_name == "own":
        context.set_state(context.get_input())
    elif context.operation_name == "release":
        context.destruct_on_exit()
    else:
        raise ValueError(f"The job owner has no operation {context.operation_name}.")
