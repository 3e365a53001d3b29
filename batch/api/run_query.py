"""Query of ``GET /api/batch-runs``: which runs, and how many at a time."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self, TypeVar

from batch.addresses import EndpointUri
from batch.api.continuation import decode_continuation
from batch.api.query_parameters import unknown_parameters
from batch.api.request_fields import TAG_NAME_PATTERN, TAG_VALUE_PATTERN
from batch.api.request_spelling import scoring_uri
from batch.errors import FieldError, InvalidRequest
from batch.run.phases import PHASES
from batch.settings import parse_whole_number
from batch.timestamps import parse_timestamp

T = TypeVar("T")

MAX_TOP = 200
"""Runs of a page, which is built in one call of the app."""
DEFAULT_TOP = 50
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
LATEST = datetime(3000, 1, 1, tzinfo=UTC)
"""No run is older or newer."""
PREFIX_PATTERN = r"^[A-Za-z0-9._-]{0,100}$"
ENDPOINT_PATTERN = (
    r"^https://[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[1-9][0-9]{0,3})?/jobs$"
)
"""For the documentation; ``EndpointUri`` accepts some more."""
SOURCE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f]{0,1100}$"
"""A container and the longest name of a folder, or their begin."""
TAG_PATTERN = rf"^({TAG_NAME_PATTERN[1:-1]}:{TAG_VALUE_PATTERN[1:-1]})?$"
_PHASES = {phase.casefold(): phase for phase in PHASES}
_PARAMETERS = frozenset(
    {"phase", "started_from", "started_to", "prefix", "endpoint", "source", "tag", "top", "continuation"}
)


@dataclass(frozen=True, slots=True)
class RunQuery:
    """``phases`` empty means all; times bound the start of a run, both inclusive; texts that are empty do not select.

    ``endpoint`` is a scoring URI, ``source`` the begin of a container and folder of new data: ``incoming/2026/``.
    ``tag`` is a name and a value. ``place`` is that of the last run of the page before.
    """

    phases: frozenset[str] = frozenset()
    started_from: datetime | None = None
    started_to: datetime | None = None
    prefix: str = ""
    endpoint: str = ""
    source: str = ""
    tag: tuple[str, str] | None = None
    top: int = DEFAULT_TOP
    place: str = ""

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> Self:
        """From query parameters of these names; ``phase`` takes several, by commas. Raises InvalidRequest."""
        errors = unknown_parameters(params, _PARAMETERS)

        def read(name: str, parse: Callable[[str], T], default: T) -> T:
            try:
                return parse(params[name]) if name in params else default
            except ValueError as error:
                errors.append(FieldError(name, str(error)))
                return default

        query = cls(
            phases=read("phase", _phases, frozenset()),
            started_from=read("started_from", _time, None),
            started_to=read("started_to", _time, None),
            prefix=read(
                "prefix",
                _matching(PREFIX_PATTERN, "must be letters, digits, '.', '_' and '-', at most 100"),
                "",
            ),
            endpoint=read("endpoint", _endpoint, ""),
            source=read(
                "source",
                _matching(
                    SOURCE_PATTERN, "must be at most 1,100 characters, none of them a control character"
                ),
                "",
            ),
            tag=read("tag", _tag, None),
            top=read("top", lambda text: parse_whole_number(text, MAX_TOP), DEFAULT_TOP),
            place=read("continuation", _place, ""),
        )
        if errors:
            raise InvalidRequest(errors)
        return query


def _phases(text: str) -> frozenset[str]:
    given = [part.strip().casefold() for part in text.split(",") if part.strip()]
    if not _PHASES.keys() >= set(given):
        raise ValueError(f"must be one of these, or several by commas: {', '.join(PHASES)}")
    return frozenset(_PHASES[phase] for phase in given)


def _time(text: str) -> datetime | None:
    moment = parse_timestamp(text)
    if moment is None:
        raise ValueError("must be an ISO 8601 time, such as 2026-01-31T12:00:00Z")
    return min(max(moment, EARLIEST), LATEST)


def _endpoint(text: str) -> str:
    return str(EndpointUri.parse(scoring_uri(text))) if text else ""


def _tag(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    name, _, value = text.partition(":")
    if not (re.fullmatch(TAG_NAME_PATTERN, name) and re.fullmatch(TAG_VALUE_PATTERN, value)):
        raise ValueError("must be the name and the value of a tag, such as team:fraud")
    return name, value


def _matching(pattern: str, rule: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(rule)
        return text

    return parse


def _place(text: str) -> str:
    try:
        return decode_continuation(text)
    except ValueError:
        raise ValueError("was not given by a page of this list") from None
