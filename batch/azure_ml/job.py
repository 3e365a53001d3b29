"""A job as Azure ML describes it, from any of its three surfaces (invoke answer, endpoint, ARM)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from batch.addresses import CLOUDS, WorkspaceId, is_job_name
from batch.azure_ml.answer import mapping_of
from batch.errors import shorten
from batch.run import job_status
from batch.run.steps import Job
from batch.timestamps import parse_timestamp

MAX_STATUS_LENGTH = 64
"""Characters. The known statuses have at most 15; an unknown one must fit into the custom status."""
STUDIO_HOSTS = frozenset().union(*(cloud.studio_hosts for cloud in CLOUDS))
_TRACKING = re.compile(r"azureml://(?P<host>[a-z0-9.-]{1,255}(?::\d{1,5})?)/[\x21-\x7e]{0,1000}", re.ASCII)
_STUDIO_URL = re.compile(r"https://(?P<host>[a-z.]+)/[\x21-\x7e]{0,1000}", re.ASCII)


@dataclass(frozen=True, slots=True)
class JobResource:
    """``input_uris`` and ``output_uris`` are None where the answer lacks them, and empty where none is readable.

    ARM never gives them. ``tracking_host`` is that of the region which keeps the job's history.
    """

    name: str
    status: str
    workspace_id: WorkspaceId | None
    studio_url: str | None
    tracking_host: str | None
    created_at: datetime | None
    experiment: str | None
    tags: Mapping[str, Any]
    input_uris: frozenset[str] | None
    output_uris: frozenset[str] | None

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """Raises ValueError if ``body`` is not a job: it has no usable name or no status."""
        properties = mapping_of(body.get("properties"))
        name, status = _job_name(body), _status(properties.get("status"))
        if name is None or not status:
            raise ValueError("is not a job: it has no usable name or no status")
        experiment = properties.get("experimentName")
        return cls(
            name=name,
            status=status,
            workspace_id=WorkspaceId.of_resource(body.get("id")),
            studio_url=_studio_url(properties),
            tracking_host=_tracking_host(properties),
            created_at=parse_timestamp(mapping_of(body.get("systemData")).get("createdAt")),
            experiment=experiment if isinstance(experiment, str) else None,
            tags=mapping_of(properties.get("tags")),
            input_uris=_uris(properties.get("inputData")),
            output_uris=_uris(properties.get("outputData")),
        )

    def of_run(self) -> Job:
        """What a run keeps of its job."""
        workspace_id = str(self.workspace_id) if self.workspace_id else None
        return Job(name=self.name, status=self.status, workspace_id=workspace_id, studio_url=self.studio_url)


def _job_name(body: Mapping[str, Any]) -> str | None:
    """The top-level name, which is the last segment of ``id``; ``properties.name`` is only a display name."""
    name, job_id = body.get("name"), body.get("id")
    for value in (name, job_id.rpartition("/")[2] if isinstance(job_id, str) else None):
        if isinstance(value, str) and is_job_name(value):
            return value
    return None


def _status(value: object) -> str:
    return shorten(job_status.canonical(value), MAX_STATUS_LENGTH) if isinstance(value, str) else ""


def _studio_url(properties: Mapping[str, Any]) -> str | None:
    for url in _endpoints(properties, "Studio"):
        match = _STUDIO_URL.fullmatch(url)
        if match and match["host"] in STUDIO_HOSTS:
            return match[0]
    return None


def _tracking_host(properties: Mapping[str, Any]) -> str | None:
    for url in _endpoints(properties, "Tracking"):
        if match := _TRACKING.fullmatch(url):
            return match["host"]
    return None


def _endpoints(properties: Mapping[str, Any], service: str) -> Iterator[str]:
    """The addresses of a service of the job: the endpoint and ARM have them under different names."""
    for services in (properties.get("interactionEndpoints"), properties.get("services")):
        url = mapping_of(mapping_of(services).get(service)).get("endpoint")
        if isinstance(url, str):
            yield url


def _uris(bindings: object) -> frozenset[str] | None:
    if not isinstance(bindings, dict) or not bindings:
        return None
    uris = [mapping_of(binding).get("uri") for binding in bindings.values()]
    # A literal has no URI. Data without a URI cannot be compared.
    return frozenset(uri for uri in uris if isinstance(uri, str))
