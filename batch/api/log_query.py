"""Query of ``GET /api/batch-runs/{run_id}/log``: which log of the job, and how much of its end."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from batch.api.query_parameters import unknown_parameters
from batch.errors import FieldError, InvalidRequest
from batch.settings import parse_whole_number

MAX_TAIL = 10_000
DEFAULT_TAIL = 200
MAX_NAME = 255
NAME_PATTERN = r"^[\x20-\x7e]{1,255}$"
_PARAMETERS = frozenset({"tail", "name"})


@dataclass(frozen=True, slots=True)
class LogQuery:
    """``name`` is that of a file among the logs of the job; None for the one that tells most."""

    tail: int = DEFAULT_TAIL
    name: str | None = None

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> Self:
        """Raises InvalidRequest."""
        errors = unknown_parameters(params, _PARAMETERS)
        tail, name = DEFAULT_TAIL, params.get("name")
        try:
            tail = parse_whole_number(params["tail"], MAX_TAIL) if "tail" in params else DEFAULT_TAIL
        except ValueError as error:
            errors.append(FieldError("tail", str(error)))
        if name is not None and not re.fullmatch(NAME_PATTERN, name):
            errors.append(
                FieldError("name", f"must be the name of a log file: at most {MAX_NAME} characters of ASCII")
            )
        if errors:
            raise InvalidRequest(errors)
        return cls(tail, name)
