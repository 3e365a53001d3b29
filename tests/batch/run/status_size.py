"""How much of the custom status a run may fill, and runs that fill it."""

import json
from typing import Any

from batch.azure_ml.job import JobResource
from batch.errors import ErrorCode, RunError
from batch.run.state import Run
from batch.run.steps import Failure
from tests.batch.azure_ml.jobs import endpoint_job
from tests.batch.builders import START, WORKSPACE_ID, after, request

LONGEST_LINK = 1_021
"""Characters; a longer one is none to us."""

STATUS_LIMIT = 16 * 1024
"""Bytes of UTF-16 JSON that the host takes as custom status."""


def size_of(status: object) -> int:
    """As the host counts: its JSON has no blanks and leaves text beyond ASCII as it is."""
    return len(json.dumps(status, ensure_ascii=False, separators=(",", ":")).encode("utf-16-le"))


def largest_run(character: str, failures: int, **state: Any) -> Run:
    """A run whose every text is as long as it can become, of one character where it may be any."""
    resource = JobResource.parse(
        endpoint_job(
            job_id=f"{WORKSPACE_ID}/jobs/{'j' * 255}",
            status=character * 10_000,
            interactionEndpoints={"Studio": {"endpoint": "https://ml.azure.com/".ljust(LONGEST_LINK, "x")}},
        )
    )
    assert resource.studio_url
    identity = dict.fromkeys(["client_id", "object_id", "tenant_id"], "0" * 36)
    error = RunError(ErrorCode.SUBMISSION_UNCERTAIN, character * 10_000)
    asked = request(endpoint_uri="https://".ljust(300, "h"), timeout=30 * 86_400)
    return Run(
        request=asked,
        started_at=START,
        identity={**identity, "token_expires_at": "2026-01-31T12:00:00.000Z"},
        job=resource.of_run(),
        submitted_at=after(10),
        running_at=after(20),
        checks=2**31,
        last_check_at=after(30),
        problem=Failure.of(error),
        failures=failures,
        lasting_failures=failures,
        failing_since=after(30),
        **state,
    )
