"""One line a change of a run, as ``event key=value …``, always with the run and, once known, its job."""

import json
import logging
import re

from batch.errors import shorten
from batch.run import Run
from batch.secret_text import redact
from batch.wait_policy import End

_PLAIN = re.compile(r'[^\s"=\\]+')


def log_event(logger: logging.Logger, level: int, event: str, **fields: object) -> None:
    """Values that could be taken for more than one field are quoted; fields that are None are left out."""
    pairs = (f"{name}={_quoted(value)}" for name, value in fields.items() if value is not None)
    logger.log(level, "%s %s", event, " ".join(pairs))


def log_progress(logger: logging.Logger, run_id: str, before: Run, run: Run, end: End | None = None) -> None:
    """What this execution of the run changed, if anything did."""
    job = run.job.name if run.job else None
    if run.job and (before.job is None or before.job.name != run.job.name):
        log_event(logger, logging.INFO, "job_submitted", run=run_id, job=job)
    status = run.job.status if run.job else None
    if status and (before.job is None or before.job.status != status):
        log_event(logger, logging.INFO, "job_status", run=run_id, job=job, status=status, checks=run.checks)
    if run.cancellation and before.cancellation is None:
        log_event(
            logger, logging.INFO, "job_cancel_requested", run=run_id, job=job, cause=run.cancellation.cause
        )
    if run.problem and run.problem != before.problem:
        log_event(
            logger,
            logging.WARNING,
            "step_failed",
            run=run_id,
            job=job,
            code=run.problem.code,
            failures=run.failures,
            message=run.problem.message,
        )
    if end:
        log_event(
            logger,
            logging.ERROR if end.error else logging.INFO,
            "run_ended",
            run=run_id,
            job=job,
            outcome=end.outcome,
            checks=run.checks,
            reason=end.error.message if end.error else None,
        )


def _quoted(value: object) -> str:
    text = shorten(redact(str(value)))
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
