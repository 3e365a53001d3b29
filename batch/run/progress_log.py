"""One line for each change of a run, as ``event key=value …``, with the run, once known its job, and its tags.

Queries read a field by its first place in a line, and a text to the end of the line: tags stand between the two.
``run_started`` is logged where a run starts: triggers/http_api.py, triggers/new_data.py, activities/start_run.py.
"""

import logging

from batch.log import log_event
from batch.run.outcome import End
from batch.run.phases import Phase
from batch.run.request import RunRequest
from batch.run.state import Run


def log_progress(logger: logging.Logger, run_id: str, before: Run, run: Run, end: End | None = None) -> None:
    """Logs what this execution of the run changed, if anything."""
    job = run.job.name if run.job else None
    tags = tag_fields(run.request)
    if run.job and (before.job is None or before.job.name != run.job.name):
        log_event(logger, logging.INFO, "job_submitted", run=run_id, job=job, **tags)
    if len(run.earlier_jobs) > len(before.earlier_jobs):
        failed = run.earlier_jobs[-1]
        log_event(
            logger,
            logging.WARNING,
            "job_retried",
            run=run_id,
            job=failed.name,
            next_attempt=run.job_attempt,
            code=failed.reason.code if failed.reason else None,
            **tags,
            message=failed.reason.message if failed.reason else None,
        )
    status = run.job.status if run.job else None
    if status and (before.job is None or before.job.status != status):
        log_event(
            logger, logging.INFO, "job_status", run=run_id, job=job, status=status, checks=run.checks, **tags
        )
    if run.cancellation and before.cancellation is None:
        cause = run.cancellation.cause
        log_event(logger, logging.INFO, "job_cancel_requested", run=run_id, job=job, cause=cause, **tags)
    if run.problem and run.problem != before.problem:
        log_event(
            logger,
            logging.WARNING,
            "step_failed",
            run=run_id,
            job=job,
            code=run.problem.code,
            failures=run.failures,
            **tags,
            message=run.problem.message,
        )
    if end:
        log_event(
            logger,
            logging.INFO if end.error is None or _is_wanted(run, end) else logging.ERROR,
            "run_ended",
            run=run_id,
            job=job,
            outcome=end.outcome,
            checks=run.checks,
            **tags,
            job_error=end.error.reason.code if end.error and end.error.reason else None,
            reason=end.error.message if end.error else None,
        )


def tag_fields(request: RunRequest) -> dict[str, str]:
    """The tags of a run as fields of a line, such as ``tag.team=fraud``."""
    return {f"tag.{name}": value for name, value in request.tags.items()}


def _is_wanted(run: Run, end: End) -> bool:
    """The run was canceled, and somebody had asked the app for it."""
    asked = run.cancellation is not None or run.canceled_before_submission
    return asked and end.outcome is Phase.CANCELED
