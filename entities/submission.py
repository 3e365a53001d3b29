"""The durable mark of one run's submission; its key is the run id. What it means: ``batch/run/submission.py``."""

import azure.durable_functions as df

from batch.names import SUBMISSION
from batch.run.submission import Submission

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name=SUBMISSION)
def submission(context: df.DurableEntityContext) -> None:
    """Operations: ``claim`` {attempt, claimed_at, instead_of}, ``release`` {attempt}, ``lose`` {attempt,
    lost_at}, ``cancel``."""
    mark = Submission.from_json(context.get_state())
    operation = context.operation_name
    if operation == "claim":
        mark = mark.claim(**context.get_input())
    elif operation == "release":
        mark = mark.release(**context.get_input())
    elif operation == "lose":
        mark = mark.lose(**context.get_input())
    elif operation == "cancel":
        mark = mark.cancel()
    else:
        raise ValueError(f"The submission entity has no operation {operation}.")
    context.set_state(mark.to_json())
