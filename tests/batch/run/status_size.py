"""The size limit of the custom status, and runs whose status is as large as possible."""

import json
from typing import Any

from batch.azure_ml.job import JobResource
from batch.azure_ml.job_error import reason_of
from batch.errors import ErrorCode, RunError
from batch.run.state import EarlierJob, Run
from batch.run.steps import Failure
from tests.batch.azure_ml.jobs import endpoint_job
from tests.batch.builders import START, WORKSPACE_ID, after, request

LONGEST_LINK = 1_021
"""Characters; the app drops a longer link."""

STATUS_LIMIT = 16 * 1024
"""Bytes of UTF-16 JSON that the host accepts as custom status."""


def size_of(status: object) -> int:
    """The size as the host counts it: its JSON has no blanks and leaves text beyond ASCII as it is."""
    return len(json.dumps(status, ensure_ascii=False, separators=(",", ":")).encode("utf-16-le"))


def largest_run(character: str, failures: int, **state: Any) -> Run:
    """A run whose texts have the greatest length; they consist of ``character`` where any is allowed."""
    resource = JobResource.parse(
        endpoint_job(
            job_id=f"{WORKSPACE_ID}/jobs/{'j' * 255}",
            status=f"S{character * 10_000}",
            interactionEndpoints={"Studio": {"endpoint": "https://ml.azure.com/".ljust(LONGEST_LINK, "x")}},
        )
    )
    assert resource.studio_url
    identity = dict.fromkeys(["client_id", "object_id", "tenant_id"], "0" * 36)
    error = RunError(ErrorCode.SUBMISSION_UNCERTAIN, character * 10_000)
    asked = request(endpoint_uri="https://".ljust(300, "h"), timeout=30 * 86_400, job_attempts=5)
    reason = reason_of({"code": character * 10_000, "message": character * 10_000}, character * 10_000)
    earlier = EarlierJob(name="j" * 255, studio_url=resource.studio_url, reason=reason)
    return Run(
        request=asked,
        started_at=START,
        identity={**identity, "token_expires_at": "2026-01-31T12:00:00.000Z"},
        job=resource.of_run(),
        submitted_at=after(10),
        running_at=after(20),
        stalled_since=after(25),
        checks=2**31,
        last_check_at=after(30),
        problem=Failure.of(error),
        problem_since=after(30),
        failures=failures,
        lasting_failures=failures,
        failing_since=after(30),
        job_attempt=5,
        earlier_jobs=(earlier,) * 4,
        **state,
    )
