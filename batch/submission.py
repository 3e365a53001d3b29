"""Submitting is not idempotent: who may POST a run's job, and how a job that may exist is found again.

A ``Submission`` is the durable mark of one run, kept by the entity of that name. Whoever wants to POST claims
it with an attempt id of its own. A claim by another attempt means that a job may exist already: then the job
is looked for, adopted if found, and submitted anew only when it is surely absent.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any, Self

from batch.contract import RunRequest
from batch.endpoint import RUN_ID_TAG
from batch.job_resource import JobResource

_DATASTORE_PATH = re.compile(r"/?datastores/(?P<datastore>[^/]+)/paths/(?P<path>.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Submission:
    """State of the entity. ``claims`` counts how often the job may have been sent; times are ISO 8601."""

    attempt: str | None = None
    claimed_at: str | None = None
    claims: int = 0
    cancel_requested: bool = False

    @classmethod
    def from_json(cls, value: dict[str, Any] | None) -> Self:
        return cls(**value) if value else cls()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def claim(self, attempt: str, claimed_at: str, instead_of: str | None) -> "Submission":
        """Claims for ``attempt`` if the claim is free or still that of ``instead_of``; not after a cancel."""
        if self.cancel_requested or self.attempt != instead_of:
            return self
        return replace(self, attempt=attempt, claimed_at=claimed_at, claims=self.claims + 1)

    def release(self, attempt: str) -> "Submission":
        """Gives the claim back: what ``attempt`` wanted to send surely was not taken."""
        if self.attempt != attempt:
            return self
        return replace(self, attempt=None, claimed_at=None, claims=self.claims - 1)

    def cancel(self) -> "Submission":
        return replace(self, cancel_requested=True)


class Match(Enum):
    OURS = "ours"
    OTHER = "other"
    UNCLEAR = "unclear"


def matches(job: JobResource, run_id: str, request: RunRequest) -> Match:
    """Whether ``job``, created since the claim, is the one this run submitted."""
    if RUN_ID_TAG in job.tags:
        return Match.OURS if job.tags[RUN_ID_TAG] == run_id else Match.OTHER
    inputs = _comparable(binding.uri for binding in request.inputs.values() if binding.uri)
    if job.input_uris is not None and _comparable(job.input_uris) != inputs:
        return Match.OTHER
    outputs = _comparable(output.uri for output in request.outputs.values())
    if not outputs or job.output_uris is None:
        # Without an output of its own nothing tells this run's job from another over the same data.
        return Match.UNCLEAR
    return Match.OURS if _comparable(job.output_uris) == outputs else Match.OTHER


def _comparable(uris: Iterable[str]) -> frozenset[str]:
    """Datastore paths in one spelling: the service may answer with the long form of what it was given."""
    return frozenset(_comparable_uri(uri) for uri in uris)


def _comparable_uri(uri: str) -> str:
    match = _DATASTORE_PATH.search(uri)
    return f"{match['datastore']}/{match['path']}".rstrip("/") if match else uri.rstrip("/")
