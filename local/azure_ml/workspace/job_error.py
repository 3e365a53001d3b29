"""The error of a failed job in run history, as the service writes it: the job names its step, the step says why."""

from local.azure_ml.jobs.job import Job
from local.azure_ml.jobs.scoring import SCRIPT_FAILED

_LONGEST_END = 4_000
"""Characters of the log that an error repeats."""


def error_of_job(job: Job, step: str) -> dict[str, object] | None:
    if job.visible_status != "Failed" or job.error is None:
        return None
    return _error(
        job.error_code,
        f"Pipeline has failed child jobs. Failed nodes: /{step}. For more details and logs, please go to the job"
        " detail page and check the child jobs.",
    )


def error_of_step(job: Job, log: str) -> dict[str, object] | None:
    if job.visible_status != "Failed" or job.error is None:
        return None
    if not job.error.startswith(SCRIPT_FAILED):
        return _error(job.error_code, job.error)
    return _error(
        job.error_code,
        "Execution failed. User process 'python' exited with status code 1. Please check log file"
        f" 'user_logs/std_log.txt' for error details. Error: {log.strip()[-_LONGEST_END:]}",
    )


def _error(code: str, message: str) -> dict[str, object]:
    return {
        "error": {
            "code": code,
            "severity": None,
            "message": message,
            "messageFormat": "{Message}",
            "messageParameters": {"Message": message},
            "referenceCode": None,
            "detailsUri": None,
            "target": None,
            "details": [],
            "innerError": None,
            "debugInfo": None,
            "additionalInfo": None,
        },
        "correlation": None,
        "environment": "local",
        "location": "local",
        "time": "0001-01-01T00:00:00+00:00",
        "componentName": "CommonRuntime",
    }
