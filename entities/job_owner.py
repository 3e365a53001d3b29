"""The run of a job, by the job's name, while the run goes on: an event of the job finds its run here."""

import azure.durable_functions as df

from batch.names import JOB_OWNER, JOB_OWNER_OWN, JOB_OWNER_RELEASE

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name=JOB_OWNER)
def job_owner(context: df.DurableEntityContext) -> None:
    """``own`` takes the run id, ``release`` nothing."""
    if context.operation_name == JOB_OWNER_OWN:
        context.set_state(context.get_input())
    elif context.operation_name == JOB_OWNER_RELEASE:
        context.destruct_on_exit()
    else:
        raise ValueError(f"The job owner has no operation {context.operation_name}.")
