"""Asks Azure ML why the job of a run failed. Whatever goes wrong here, the run ends as it would have."""

import asyncio
import logging
from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from activities.limited_wait import LimitedWait
from batch.azure_ml.explanation import reason_of_job
from batch.errors import RunError
from batch.log import log_event
from batch.names import EXPLAIN_JOB
from batch.run.steps import Explained, ExplainJob
from batch.settings import app_settings

_WAIT = LimitedWait()

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.activity_trigger(input_name="value", activity=EXPLAIN_JOB)
@with_readable_failure
async def explain_job(value: dict) -> Any:  # type: ignore[type-arg]
    """Takes an ExplainJob and answers with an Explained."""
    asked = ExplainJob.from_json(value)
    with _WAIT.seconds() as seconds:
        try:
            # A thread that hangs is left behind: what is given up here is only the wait for it.
            async with asyncio.timeout(seconds):
                reason = await reason_of_job(asked.endpoint_uri, asked.job_name, app_settings())
            said = "Azure ML keeps no error of the job."
        except TimeoutError:
            reason, said = None, f"There was no answer within {seconds} s."
        except RunError as error:
            reason, said = None, error.message
    if reason is None:
        log_event(
            logger, logging.WARNING, "job_not_explained", run=asked.run_id, job=asked.job_name, reason=said
        )
        return Explained(nothing_known=True).to_json()
    return Explained(reason=reason).to_json()
