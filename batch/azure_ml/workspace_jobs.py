"""The workspace's jobs through Azure Resource Manager: list them, cancel one. Another host, another audience.

The endpoint's own surface can do neither.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from batch.addresses import WorkspaceId
from batch.azure_ml.job import JobResource
from batch.azure_ml.rest import AnswerLost, post_once, read
from batch.errors import ErrorCode, RunError
from batch.settings import Settings

API_VERSION = "2025-12-01"
MAX_PAGES = 200


def cancel(workspace_id: WorkspaceId, job_name: str, settings: Settings) -> None:
    """Asks for the job to be canceled; the job's status tells when it is. Raises RunError."""
    post_once(
        f"{settings.arm_origin}{workspace_id}/jobs/{job_name}/cancel",
        settings.arm_audience,
        params={"api-version": API_VERSION},
    )


def jobs_since(since: datetime, workspace_id: WorkspaceId, settings: Settings) -> Iterator[JobResource]:
    """The workspace's pipeline jobs created at ``since`` or later. Raises RunError if the list is incomplete.

    The list's order is not documented. While it proves to be newest first, pages of older jobs are skipped.
    """
    newest_first, previous = True, datetime.max.replace(tzinfo=since.tzinfo)
    skip: str | None = None
    for _ in range(MAX_PAGES):
        page, skip = _page(workspace_id, skip, settings)
        for job in page:
            created_at = job.created_at or since
            newest_first = newest_first and created_at <= previous
            previous = created_at
            if created_at >= since:
                yield job
        if skip is None or (newest_first and previous < since - timedelta(hours=1)):
            return
    raise RunError(ErrorCode.SERVICE_UNAVAILABLE, f"The list of jobs has more than {MAX_PAGES} pages.")


def _page(
    workspace_id: WorkspaceId, skip: str | None, settings: Settings
) -> tuple[list[JobResource], str | None]:
    params = {"api-version": API_VERSION, "jobType": "Pipeline", "listViewType": "All"}
    if skip is not None:
        params["$skip"] = skip
    body = read(f"{settings.arm_origin}{workspace_id}/jobs", settings.arm_audience, params)
    items, next_link = body.get("value"), body.get("nextLink")
    if not isinstance(items, list):
        raise AnswerLost("The list of jobs came without a list.")
    try:
        jobs = [JobResource.parse(_listed(item)) for item in items]
    except ValueError as error:
        raise AnswerLost(f"An entry in the list of jobs {error}.") from None
    return jobs, _skip_token(next_link) if next_link else None


def _skip_token(next_link: object) -> str:
    """Only the token is taken from the link: where our own token goes is not for an answer to say."""
    query = parse_qs(urlsplit(next_link).query) if isinstance(next_link, str) else {}
    tokens = query.get("$skip") or query.get("$skipToken") or query.get("$skiptoken")
    if not tokens:
        raise AnswerLost("The list of jobs goes on at a link without a $skip token.")
    return tokens[0]


def _listed(item: object) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise ValueError("is no object")
    return item
