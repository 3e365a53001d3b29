"""Query of ``POST /api/ledger/rebuild``: where it goes on in the task hub."""

import re
from collections.abc import Mapping

from batch.api.query_parameters import unknown_parameters
from batch.api.sealed_text import sealed, unsealed
from batch.errors import FieldError, InvalidRequest

_PURPOSE = "token of the task hub"
_NAME = "continuation"
_TOKEN = re.compile(r"[\x21-\x7e\xa0-\xff][\x20-\x7e\xa0-\xff]*")
"""What an HTTP header can hold. The extension's tokens end with a space."""


def encode_hub_token(token: str) -> str:
    """Safe in a URL as it is, whatever the token of the task hub holds."""
    return sealed(_PURPOSE, token)


def parse_rebuild(params: Mapping[str, str]) -> str | None:
    """The task hub's token, or None for the begin of the task hub. Raises InvalidRequest."""
    errors = unknown_parameters(params, {_NAME})
    token = None
    if _NAME in params:
        try:
            token = _decode_hub_token(params[_NAME])
        except ValueError:
            errors.append(FieldError(_NAME, "was not given by a part of this rebuild"))
    if errors:
        raise InvalidRequest(errors)
    return token


def _decode_hub_token(text: str) -> str:
    token = unsealed(_PURPOSE, text)
    if not _TOKEN.fullmatch(token):
        raise ValueError("not a token")
    return token
