"""The run of a marker file that may be announced twice."""

from datetime import UTC, datetime

import azure.durable_functions as df

from batch.new_data.blob import Blob
from ledger import markers
from task_hub.ledger import ledger_of


async def run_of_marker(client: df.DurableOrchestrationClient, marker: str, blob: Blob, run_id: str) -> str:
    """The id of the run that the upload starts. Raises RunError, so that the event is delivered again."""
    return await markers.run_of_marker(ledger_of(client), marker, blob, run_id, datetime.now(UTC))
