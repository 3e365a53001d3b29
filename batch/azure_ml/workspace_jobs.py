"""The workspace's jobs through Azure Resource Manager (ARM): list them, cancel one.

The endpoint itself can do neither. ARM is another host, with tokens for another audience.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from batch.addresses import WorkspaceId
from batch.azure_ml.answer import mapping_of
from batch.azure_ml.job import JobResource
from batch.azure_ml.rest import AnswerLost, HttpError, post_once, read
from batch.errors import ErrorCode, RunError
from batch.settings import Settings
from batch.timestamps import parse_timestamp

API_VERSION = "2025-12-01"
MAX_PAGES = 200
"""Ends a list whose links never end. A search needs the pages since the submission, which are a few."""
_OUT_OF_ORDER = timedelta(hours=1)
"""How much older than wanted a job must be to end the list: neighbours may be swapped."""


def cancel(workspace_id: WorkspaceId, job_name: str, settings: Settings) -> None:
    """Asks for the job to be canceled; the job's status shows when it is. Raises RunError."""
    url = f"{settings.arm_origin}{workspace_id}/jobs/{job_name}/cancel"
    with _workspace_named_in_errors():
        post_once(url, settings.arm_audience, params={"api-version": API_VERSION})


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry of the list that is no job this app can read."""

    reason: str
    created_at: datetime | None
    experiment: str | None


@dataclass(frozen=True, slots=True)
class JobList:
    """The jobs that the list has, and the entries that could not be read."""

    jobs: tuple[JobResource, ...]
    unreadable: tuple[Unreadable, ...] = ()

    def since(self, moment: datetime) -> "JobList":
        """An entry that does not say when it was created may be of any time."""
        return JobList(
            tuple(job for job in self.jobs if _is_since(job, moment)),
            tuple(entry for entry in self.unreadable if _is_since(entry, moment)),
        )


def jobs_since(since: datetime, workspace_id: WorkspaceId, settings: Settings) -> JobList:
    """The workspace's pipeline jobs created at ``since`` or later. Raises RunError if the list is incomplete.

    The list's order is not documented. While it proves to be newest first, pages of older jobs are skipped.
    """
    newest_first, previous = True, datetime.max.replace(tzinfo=since.tzinfo)
    jobs: dict[str, JobResource] = {}
    unreadable: list[Unreadable] = []
    skip: str | None = None
    for _ in range(MAX_PAGES):
        page, skip = _page(workspace_id, skip, settings)
        for entry in page:
            if entry.created_at is not None:
                newest_first = newest_first and entry.created_at <= previous
                previous = entry.created_at
            if isinstance(entry, JobResource):
                jobs[entry.name] = entry
            else:
                unreadable.append(entry)
        if skip is None or (newest_first and previous < since - _OUT_OF_ORDER):
            return JobList(tuple(jobs.values()), tuple(unreadable)).since(since)
    raise RunError(ErrorCode.SERVICE_UNAVAILABLE, f"The list of jobs has more than {MAX_PAGES} pages.")


def _page(
    workspace_id: WorkspaceId, skip: str | None, settings: Settings
) -> tuple[list[JobResource | Unreadable], str | None]:
    params = {"api-version": API_VERSION, "jobType": "Pipeline", "listViewType": "All"}
    if skip is not None:
        params["$skip"] = skip
    with _workspace_named_in_errors():
        body = read(f"{settings.arm_origin}{workspace_id}/jobs", settings.arm_audience, params)
    items, next_link = body.get("value"), body.get("nextLink")
    if not isinstance(items, list):
        raise AnswerLost("The list of jobs came without a list.")
    return [_entry(item) for item in items], _skip_token(next_link) if next_link else None


def _entry(item: object) -> JobResource | Unreadable:
    body = mapping_of(item)
    try:
        return JobResource.parse(body)
    except ValueError as error:
        experiment = mapping_of(body.get("properties")).get("experimentName")
        return Unreadable(
            reason=f"an entry in the list of jobs {error}",
            created_at=parse_timestamp(mapping_of(body.get("systemData")).get("createdAt")),
            experiment=experiment if isinstance(experiment, str) else None,
        )


def _is_since(entry: JobResource | Unreadable, moment: datetime) -> bool:
    return entry.created_at is None or entry.created_at >= moment


@contextmanager
def _workspace_named_in_errors() -> Iterator[None]:
    """A 404 of ARM is about the workspace or the job; the same of the endpoint is about endpoint and deployment."""
    try:
        yield
    except HttpError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        raise HttpError(
            error.status, ErrorCode.WORKSPACE_NOT_FOUND, error.message, retry_after=error.retry_after
        ) from None


def _skip_token(next_link: object) -> str:
    """Only this token is taken from the link: an answer does not decide where the app's own token goes."""
    try:
        query = parse_qs(urlsplit(next_link).query) if isinstance(next_link, str) else {}
    except ValueError:
        query = {}
    tokens = query.get("$skip") or query.get("$skipToken") or query.get("$skiptoken")
    if not tokens:
        raise AnswerLost("The list of jobs goes on at a link without a $skip token.")
    return tokens[0]
