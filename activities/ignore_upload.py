"""Tells people of an upload that starts nothing because it came too late. It decides nothing."""

import logging
from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch.log import log_event
from batch.names import IGNORE_UPLOAD
from batch.run.steps import IgnoreUpload, UploadIgnored
from task_hub.rule_counts import count_ignored

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.activity_trigger(input_name="value", activity=IGNORE_UPLOAD)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def ignore_upload(value: dict, client: Any) -> Any:  # type: ignore[type-arg]
    """Takes an IgnoreUpload and answers with an UploadIgnored. A delivery that is repeated counts again."""
    upload = IgnoreUpload.from_json(value)
    blob = f"{upload.container}/{upload.blob}"
    log_event(logger, logging.INFO, "upload_ignored", blob=blob, reason=upload.reason)
    await count_ignored(client, upload.reason, blob)
    return UploadIgnored(ignored=upload.reason).to_json()
