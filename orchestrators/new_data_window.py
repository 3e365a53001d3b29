"""One blob under a folder rule: joins the window of its folder, waits, and starts the run if no later blob came.

Each event has an orchestration of its own: no wake-up can be lost, and there is no single instance that could fail.
All but one of a window end as superseded. A blob whose folder has started a run is late: the rule says whether it
opens a window again, starts a run of its own, or starts nothing.
"""

import logging
from collections.abc import Generator
from datetime import datetime
from typing import Any

import azure.durable_functions as df

from batch.durable_timer import time_after, timer_for
from batch.errors import ErrorCode, WindowFailed
from batch.names import (
    FOLDER_WINDOW,
    IGNORE_UPLOAD,
    NEW_DATA_WINDOW,
    START_RUN,
    WINDOW_CLAIM,
    WINDOW_TOUCH,
)
from batch.new_data.upload import FolderUpload
from batch.new_data.window import Claim, Late, Touch, claims_at
from batch.run.reason import failure_of, reason_text
from batch.run.source import DataSource
from orchestrators.earlier_version import remembers_folders

ATTEMPTS = df.RetryOptions(first_retry_interval_in_milliseconds=60_000, max_number_of_attempts=60)
"""Retries for an hour. The blobs are claimed, so no later event starts their run."""

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.orchestration_trigger(context_name="context", orchestration=NEW_DATA_WINDOW)
def new_data_window(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    """The answer is ``{run_id}`` of the run that was started, ``{superseded: true}``, or ``{ignored: "late"}``.

    An execution of its own raises a failure, for the reason that ``batch_run`` gives.
    """
    upload = _state(context)
    try:
        return (yield from _gather(context, upload))
    except Exception as error:  # the SDK raises nothing narrower
        # Without this the window would lose its reason.
        if not context.is_replaying:
            logger.exception("window_broke window=%s", context.instance_id)
        context.continue_as_new(upload.failed(failure_of(error)).to_json())
        return None


def _state(context: df.DurableOrchestrationContext) -> FolderUpload:
    """Raises WindowFailed if the window has failed, or if the instance was started with something else."""
    try:
        upload = FolderUpload.from_json(context.get_input())
    except ValueError:
        # The error quotes the input, which must not stand in a text that the host cuts.
        raise WindowFailed(
            reason_text("The input of this instance is not an upload.", ErrorCode.INTERNAL)
        ) from None
    if upload.failure is not None:
        raise WindowFailed(reason_text(upload.failure, ErrorCode.INTERNAL))
    return upload


def _gather(
    context: df.DurableOrchestrationContext, upload: FolderUpload
) -> Generator[Any, Any, dict[str, Any]]:
    window = df.EntityId(FOLDER_WINDOW, upload.window_key)

    touch = Touch(toucher=context.instance_id, now=_now(context), source=upload.source, late=upload.late)
    opened_at = yield context.call_entity(window, WINDOW_TOUCH, touch.to_json())
    if opened_at is None:
        return (yield from _late(context, upload))
    quiet_until = claims_at(
        datetime.fromisoformat(opened_at), _now(context), upload.quiet, upload.longest_wait
    )
    yield context.create_timer(timer_for(quiet_until))

    claim = Claim(
        claimant=context.instance_id,
        now=time_after(quiet_until, _now(context)),
        longest_wait_seconds=upload.longest_wait_seconds,
        remembers=remembers_folders(context.version) and not upload.single,
    )
    claimed = yield context.call_entity(window, WINDOW_CLAIM, claim.to_json())
    if claimed is None:
        return {"superseded": True}
    return (yield from _attempt(context, START_RUN, upload.start(DataSource.from_json(claimed))))


def _late(
    context: df.DurableOrchestrationContext, upload: FolderUpload
) -> Generator[Any, Any, dict[str, Any]]:
    """What follows from a blob whose folder has started a run, and is not to start another one."""
    if upload.late == Late.IGNORE:
        return (yield from _attempt(context, IGNORE_UPLOAD, upload.ignored()))
    if upload.unfinished:
        yield context.create_timer(timer_for(_now(context) + upload.quiet))
    return (yield from _attempt(context, START_RUN, upload.start_late()))


def _attempt(
    context: df.DurableOrchestrationContext, activity: str, value: dict[str, Any]
) -> Generator[Any, Any, dict[str, Any]]:
    answer: dict[str, Any] = yield context.call_activity_with_retry(activity, ATTEMPTS, value)
    return answer


def _now(context: df.DurableOrchestrationContext) -> datetime:
    now: datetime = context.current_utc_datetime
    return now
