"""The requests that arrived, for assertions of tests. Tokens and secrets are never recorded."""

import json
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import web

from local.azure_ml.entra.tokens import audience_of
from local.azure_ml.testing.faults import Operation

_KEPT = 100_000
_OPEN_FORM_FIELDS = frozenset({"grant_type", "client_id", "scope", "resource", "client_assertion_type"})


@dataclass
class RequestRecord:
    """``status`` is None while the request is in flight, and stays None if its connection was dropped."""

    number: int
    time: float
    server: str
    operation: Operation
    method: str
    path: str
    query: dict[str, str]
    authorization: bool
    audience: str | None
    deployment: str | None
    body: object
    status: int | None = None
    jobs: list[str] = field(default_factory=list)

    @property
    def asked_audience(self) -> str | None:
        """The audience of the token that a request to Entra or to the managed identity asks for."""
        asked = self.body if isinstance(self.body, dict) else self.query
        scope = asked.get("scope")
        return str(scope).removesuffix("/.default") if scope else asked.get("resource")


class RequestLog:
    def __init__(self) -> None:
        self._records: deque[RequestRecord] = deque(maxlen=_KEPT)
        self._number = 0

    def add(self, server: str, operation: Operation, request: web.Request, body: bytes) -> RequestRecord:
        self._number += 1
        authorization = request.headers.get("Authorization")
        record = RequestRecord(
            number=self._number,
            time=time.time(),
            server=server,
            operation=operation,
            method=request.method,
            path=request.path,
            query=dict(request.query),
            authorization=authorization is not None,
            audience=audience_of(authorization),
            deployment=request.headers.get("azureml-model-deployment"),
            body=_readable(request.content_type, body),
        )
        self._records.append(record)
        return record

    def select(self, operation: str | None = None) -> list[RequestRecord]:
        return [record for record in self._records if operation in (None, record.operation)]

    def clear(self) -> None:
        self._records.clear()

    def counters(self) -> dict[str, dict[str, int]]:
        """By operation: requests, jobs created, and answers by status (``none`` without an answer)."""
        counters: dict[str, Counter[str]] = {}
        for record in self._records:
            counter = counters.setdefault(record.operation, Counter())
            counter["requests"] += 1
            counter["jobs"] += len(record.jobs)
            counter[str(record.status or "none")] += 1
        return {operation: dict(counter) for operation, counter in counters.items()}


def _readable(content_type: str, body: bytes) -> object:
    text = body.decode("utf-8", errors="replace")
    if content_type == "application/x-www-form-urlencoded":
        return {name: value if name in _OPEN_FORM_FIELDS else "***" for name, value in parse_qsl(text)}
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
