"""HTTP to Azure: follows no redirects, retries nothing, and says what happened. What to do: ``batch/advice.py``."""

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from batch.azure_ml.identity import bearer_token
from batch.errors import ErrorCode, RunError, shorten
from batch.thread_pools import ACTIVITIES

CONNECT_TIMEOUT = 10
READ_TIMEOUT = 60
"""Seconds. A POST whose answer is lost costs a search for its job, so the app waits long for an answer."""
MAX_RETRY_AFTER = 3_600
"""Seconds. A service that asks for a longer wait is asked again after an hour."""
_CONNECTIONS = ACTIVITIES
"""As many reads go on at once."""
_LONGEST_QUOTE = 500
"""Characters of a service's message in ours, which holds up to 1,000."""


class NotSent(RunError):
    """The request provably never reached the service: no address, no connection, no trusted certificate."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.SERVICE_UNAVAILABLE, message, retryable=True)


class AnswerLost(RunError):
    """The request was sent, and its effect is unknown: there was no answer, or none that states it."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.SERVICE_UNAVAILABLE, message, retryable=True)


class HttpError(RunError):
    """The service answered with ``status``, 300 or higher.

    ``is_user_error``: the status is 5xx, and Azure ML says all the same that it is an error of the user.
    """

    is_user_error: bool = False

    def __init__(
        self, status: int, code: ErrorCode, message: str, *, retry_after: float | None = None
    ) -> None:
        retryable = code is ErrorCode.SERVICE_UNAVAILABLE
        super().__init__(code, message, retryable=retryable, retry_after=retry_after)
        self.status = status


class _Bearer(AuthBase):
    """Given as ``auth``, so that a .netrc file cannot replace the header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def read(url: str, audience: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
    """GETs a JSON object. Raises RunError."""
    return json_object(_call(_pooled(), "GET", url, audience, params=params))


def post_once(
    url: str,
    audience: str,
    *,
    json: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> requests.Response:
    """POSTs on a new connection: a pooled one may be dead already, and then the answer would be lost.

    Raises NotSent, AnswerLost, HttpError, or RunError when there is no token.
    """
    with requests.Session() as session:
        return _call(session, "POST", url, audience, json=json, headers=headers, params=params)


def json_object(response: requests.Response) -> dict[str, Any]:
    """The JSON object of an answer. Raises AnswerLost if it holds none."""
    try:
        value = response.json()
    except requests.exceptions.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise AnswerLost(f"{_place(response)} answered {response.status_code} without a JSON object.")
    return value


@lru_cache(maxsize=1)
def _pooled() -> requests.Session:
    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_connections=8, pool_maxsize=_CONNECTIONS))
    return session


def _call(
    session: requests.Session, method: str, url: str, audience: str, **request: Any
) -> requests.Response:
    auth = _Bearer(bearer_token(audience))
    try:
        response = session.request(
            method,
            url,
            auth=auth,
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            allow_redirects=False,
            **request,
        )
    except requests.exceptions.RequestException as error:
        kind = NotSent if _provably_not_sent(error) else AnswerLost
        raise kind(f"{method} {url} got no answer: {_cause(error)}.") from None
    if response.status_code >= 300:
        raise _http_error(response)
    return response


def _cause(error: Exception) -> BaseException:
    inner = error.args[0] if error.args else error
    reason = inner.reason if isinstance(inner, urllib3.exceptions.MaxRetryError) else inner
    return reason if isinstance(reason, BaseException) else error


def _provably_not_sent(error: requests.exceptions.RequestException) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = _cause(error)
    if isinstance(cause, urllib3.exceptions.SSLError):
        # Any other TLS error may have occurred while the answer was read.
        return bool(cause.args) and isinstance(cause.args[0], ssl.SSLCertVerificationError)
    return isinstance(cause, urllib3.exceptions.NewConnectionError)


def _http_error(response: requests.Response) -> HttpError:
    status = response.status_code
    code = _CODES.get(status, ErrorCode.REQUEST_REJECTED)
    if status >= 500:
        code = ErrorCode.SERVICE_UNAVAILABLE
    said = f" It says: {text}" if (text := shorten(_service_message(response), _LONGEST_QUOTE)) else ""
    return HttpError(
        status,
        code,
        f"{_place(response)} answered {status}.{said}",
        retry_after=retry_after_seconds(response.headers.get("Retry-After"), datetime.now(UTC)),
    )


_CODES = {
    401: ErrorCode.ACCESS_DENIED,
    403: ErrorCode.ACCESS_DENIED,
    404: ErrorCode.NOT_FOUND,
    408: ErrorCode.SERVICE_UNAVAILABLE,
    429: ErrorCode.SERVICE_UNAVAILABLE,
}


def _place(response: requests.Response) -> str:
    return f"{response.request.method} {response.url.partition('?')[0]}"


def _service_message(response: requests.Response) -> str:
    """The message of either error envelope of Azure ML, or the body where it is plain text."""
    try:
        body = response.json()
    except requests.exceptions.JSONDecodeError:
        return response.text[: 4 * _LONGEST_QUOTE]
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return ""
    details = error.get("details")
    messages = [error, *(details if isinstance(details, list) else [])]
    return " ".join(
        f"{part.get('code', '')}: {part.get('message', '')}" for part in messages if isinstance(part, dict)
    )


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Seconds to wait, from a Retry-After header of either form; None if absent or unreadable."""
    if header is None:
        return None
    if header.isascii() and header.strip().isdecimal():
        return min(float(header), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(header)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max((moment - now).total_seconds(), 0.0), MAX_RETRY_AFTER)
    except (ValueError, OverflowError):
        return None
