"""The record of one run's submission and of its cancel; its key is the run id. See ``batch/run/submission.py``."""

import azure.durable_functions as df

from batch.names import (
    SUBMISSION,
    SUBMISSION_CANCEL,
    SUBMISSION_CLAIM,
    SUBMISSION_LOSE,
    SUBMISSION_RELEASE,
)
from batch.run.submission import Submission

bp = df.Blueprint()


@bp.entity_trigger(context_name="context", entity_name=SUBMISSION)
def submission(context: df.DurableEntityContext) -> None:
    """Operations: ``claim`` {attempt, claimed_at, instead_of}, ``release`` {attempt}, ``lose`` {attempt,
    lost_at}, ``cancel``."""
    before = Submission.from_json(context.get_state())
    operation = context.operation_name
    if operation == SUBMISSION_CLAIM:
        after = before.claim(**context.get_input())
    elif operation == SUBMISSION_RELEASE:
        after = before.release(**context.get_input())
    elif operation == SUBMISSION_LOSE:
        after = before.lose(**context.get_input())
    elif operation == SUBMISSION_CANCEL:
        after = before.cancel()
    else:
        raise ValueError(f"The submission entity has no operation {operation}.")
    context.set_state(after.to_json())
