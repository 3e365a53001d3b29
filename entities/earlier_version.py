"""Entities of versions before 1.2, whose place rows of the ledger have taken. Nothing uses them any more.

They exist for messages that such a version has sent and that arrive after the deployment: for an entity that the app
does not have, the extension would try again for ever. Housekeeping deletes what they hold. Delete this file when no
run is in flight that such a version started.
"""

import azure.durable_functions as df

from batch.names import JOB_OWNER, SUBMISSION

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name=SUBMISSION)
def submission(context: df.DurableEntityContext) -> None:
    """Keeps its state, which the ledger reads. It changes no more: a claim would allow a second POST."""


@bp.entity_trigger(context_name="context", entity_name=JOB_OWNER)
def job_owner(context: df.DurableEntityContext) -> None:
    """Keeps its state. The activity that submits has put the owner into the ledger."""
