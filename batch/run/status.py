"""What a run tells of itself: its custom status while it lives, its result when it completed."""

from datetime import datetime
from typing import Any

from batch.run.next_step import End
from batch.run.state import Job, Run
from batch.timestamps import format_timestamp


def custom_status(
    run: Run,
    *,
    next_check_at: datetime | None = None,
    end: End | None = None,
    ended_at: datetime | None = None,
) -> dict[str, Any]:
    """Phase, job, checks, last and next check. Well below the host's limit of 16 KB; holds no secret."""
    status: dict[str, Any] = {
        "phase": end.outcome if end else run.phase,
        "endpoint_uri": run.request.endpoint_uri,
        "identity": run.identity,
        "job": job_summary(run.job),
        "checks": run.checks,
        "started_at": _time(run.started_at),
        "submitted_at": _time(run.submitted_at),
        "running_at": _time(run.running_at),
        "last_check_at": _time(run.last_check_at),
        "next_check_at": _time(next_check_at),
        "ended_at": _time(ended_at),
    }
    if run.source:
        status["source"] = run.source.to_status()
    if run.cancellation:
        status["cancellation"] = {
            "cause": run.cancellation.cause,
            "requested_at": _time(run.cancellation.requested_at),
            "accepted": run.cancellation.accepted,
        }
    if end and end.error:
        status["error"] = {"code": end.error.code, "message": end.error.message}
    elif run.problem:
        status["problem"] = {"code": run.problem.code, "message": run.problem.message}
    return status


def result(run: Run, ended_at: datetime) -> dict[str, Any]:
    """The output of a completed run."""
    return {
        "outcome": "Completed",
        "job": job_summary(run.job),
        "outputs": {name: output.uri for name, output in run.request.outputs.items()},
        "started_at": _time(run.started_at),
        "submitted_at": _time(run.submitted_at),
        "ended_at": _time(ended_at),
        "checks": run.checks,
    }


def job_summary(job: Job | None) -> dict[str, Any] | None:
    return job.model_dump(include={"name", "status", "studio_url"}) if job else None


def _time(moment: datetime | None) -> str | None:
    return format_timestamp(moment) if moment else None
