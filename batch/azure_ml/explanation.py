"""Why a job failed, as far as Azure ML tells it: the error of the step that failed, else that of the job."""

import logging

from batch import thread_pools
from batch.azure_ml.job_error import reason_of
from batch.azure_ml.run_history import HistoryRun, RunHistory
from batch.errors import RunError
from batch.log import log_event
from batch.run.steps import JobReason
from batch.settings import Settings

logger = logging.getLogger(__name__)


async def reason_of_job(endpoint_uri: str, job_name: str, settings: Settings) -> JobReason | None:
    """Raises RunError if nobody can be asked. The error of a job that failed in a step only says so."""
    history = await RunHistory.of_job(endpoint_uri, job_name, settings, thread_pools.run_history)
    step, reason = await _step_and_reason(history)
    if reason:
        return reason
    reason = reason_of((await history.details(job_name)).error)
    if reason and step and step.step:
        return reason.model_copy(update={"step": step.step})
    return reason


async def _step_and_reason(history: RunHistory) -> tuple[HistoryRun | None, JobReason | None]:
    """The step that failed and its error, as far as they can be read: the job itself may still tell something."""
    step = None
    try:
        if step := await history.failed_step():
            reason = reason_of(step.error, step.step)
            return step, reason or reason_of((await history.details(step.run_id)).error, step.step)
    except RunError as error:
        log_event(logger, logging.INFO, "steps_not_read", job=history.job_name, reason=error)
    return step, None
