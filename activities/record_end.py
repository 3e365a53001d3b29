"""The last step of a run: tells the list of runs how it ended."""

from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch.errors import RunError
from batch.names import RECORD_END
from batch.run.status import RunStatus
from batch.run.steps import EndRecorded, RecordEnd
from task_hub.progress import note_end

bp = df.Blueprint()


@bp.activity_trigger(input_name="value", activity=RECORD_END)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def record_end(value: dict, client: Any) -> Any:  # type: ignore[type-arg]
    """Takes a RecordEnd and answers with an EndRecorded."""
    asked = RecordEnd.from_json(value)
    try:
        await note_end(client, asked.run_id, RunStatus.read(asked.status))
    except RunError as error:
        return EndRecorded.failed(error).to_json()
    return EndRecorded(recorded=True).to_json()
