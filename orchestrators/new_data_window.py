"""One blob under a folder rule: joins the folder's window, waits, and starts the run if nobody came after it.

Every event has its own, so no wake-up can be lost and no gatherer can die. All but one end as superseded.
"""

from collections.abc import Generator
from datetime import datetime
from typing import Any

import azure.durable_functions as df

from batch.data_source import DataSource
from batch.folder_upload import FolderUpload
from batch.folder_window import wake_at
from batch.function_names import FOLDER_WINDOW, NEW_DATA_WINDOW, START_RUN

START_ATTEMPTS = df.RetryOptions(first_retry_interval_in_milliseconds=60_000, max_number_of_attempts=60)
"""An hour: the blobs are claimed, and no later event would bring them back."""

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context", orchestration=NEW_DATA_WINDOW)
def new_data_window(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """The answer is ``{run_id}`` of the run that was started, or ``{superseded: true}``."""
    upload = FolderUpload.from_json(context.get_input())
    window = df.EntityId(FOLDER_WINDOW, upload.window_key)

    touch = {
        "toucher": context.instance_id,
        "now": _now(context).isoformat(),
        "source": DataSource.of(upload.blob).to_json(),
    }
    opened_at = datetime.fromisoformat((yield context.call_entity(window, "touch", touch)))
    yield context.create_timer(wake_at(opened_at, _now(context), upload.quiet, upload.longest_wait))

    claim = {
        "claimant": context.instance_id,
        "now": _now(context).isoformat(),
        "longest_wait_seconds": upload.rule.longest_wait_seconds,
    }
    source = yield context.call_entity(window, "claim", claim)
    if source is None:
        return {"superseded": True}
    start = {"upload": upload.to_json(), "source": source}
    started: dict[str, Any] = yield context.call_activity_with_retry(START_RUN, START_ATTEMPTS, start)
    return started


def _now(context: df.DurableOrchestrationContext) -> datetime:
    now: datetime = context.current_utc_datetime
    return now
