"""Lines of the log, as ``event key=value …``."""

import json
import logging
import re

from batch.errors import shorten
from batch.redaction import redact

_PLAIN = re.compile(r'[^\s"=\\]+')


def log_event(logger: logging.Logger, level: int, event: str, **fields: object) -> None:
    """Values that could be taken for more than one field are quoted; fields that are None are left out."""
    pairs = (f"{name}={_quoted(value)}" for name, value in fields.items() if value is not None)
    logger.log(level, "%s %s", event, " ".join(pairs))


def _quoted(value: object) -> str:
    text = shorten(redact(str(value)))
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
