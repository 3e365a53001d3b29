"""HTTP to Azure: follows no redirects, retries nothing, and says what happened. What to do: ``batch/advice.py``."""

import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, TypeVar

import requests
import urllib3
from requests.auth import AuthBase

from batch.azure_ml.answer import LONGEST_QUOTE, Answer
from batch.azure_ml.connection import AnswerTooLarge, AnswerTooLate, new_session, send
from batch.azure_ml.identity import bearer_token
from batch.azure_ml.private_network import is_about_private_networks, what_is_closed
from batch.connection_words import in_words
from batch.errors import ErrorCode, RunError, shorten
from batch.thread_pools import ACTIVITIES

MAX_RETRY_AFTER = 3_600
"""Seconds. A service that asks for a longer wait is asked again after an hour."""
_CONNECTIONS = ACTIVITIES
"""As many reads go on at once."""

E = TypeVar("E", bound=BaseException)


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

    ``is_user_error``: it is 500 or higher, although Azure ML calls it a mistake of the caller, which does not pass.
    """

    def __init__(
        self,
        status: int,
        code: ErrorCode,
        message: str,
        *,
        retry_after: float | None = None,
        is_user_error: bool = False,
    ) -> None:
        retryable = code is ErrorCode.SERVICE_UNAVAILABLE
        super().__init__(code, message, retryable=retryable, retry_after=retry_after)
        self.status = status
        self.is_user_error = is_user_error


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
    json: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> Answer:
    """POSTs on a new connection: a pooled one may be dead already, and then the answer would be lost.

    Raises NotSent, AnswerLost, HttpError, or RunError when there is no token.
    """
    with new_session() as session:
        return _call(session, "POST", url, audience, json=json, headers=headers, params=params)


def json_object(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer. Raises AnswerLost if it holds none."""
    value = answer.json_object()
    if value is None:
        raise AnswerLost(f"{answer.place} answered {answer.status} without a JSON object that can be read.")
    return value


@lru_cache(maxsize=1)
def _pooled() -> requests.Session:
    return new_session(_CONNECTIONS)


def _call(session: requests.Session, method: str, url: str, audience: str, **request: Any) -> Answer:
    auth = _Bearer(bearer_token(audience))
    try:
        response, body = send(session, method, url, auth=auth, **request)
    except Exception as error:
        # Not only what the library declares: odd headers raise other exceptions in it.
        raise without_answer(f"{method} {url}", error) from None
    answer = Answer(method, url, response.status_code, response.headers.get("Retry-After"), body)
    if answer.status >= 300:
        raise _http_error(answer)
    return answer


def without_answer(place: str, error: Exception) -> NotSent | AnswerLost:
    if limit := _cause(error, AnswerTooLate) or _cause(error, AnswerTooLarge):
        return AnswerLost(f"{place} got no usable answer: {limit}.")
    kinds = (urllib3.exceptions.ConnectTimeoutError, ssl.SSLCertVerificationError)
    kind = NotSent if any(_cause(error, each) for each in kinds) else AnswerLost
    return kind(f"{place} got no answer: {in_words(error)}.")


def _cause(error: BaseException, kind: type[E]) -> E | None:
    """The libraries wrap what happened, and keep it as an argument, as a reason or as the cause."""
    if isinstance(error, kind):
        return error
    return next((found for each in _wrapped(error) if (found := _cause(each, kind))), None)


def _wrapped(error: BaseException) -> list[BaseException]:
    inner = (getattr(error, "reason", None), *error.args, error.__cause__)
    return [each for each in inner if isinstance(each, BaseException)]


def _http_error(answer: Answer) -> HttpError:
    status, error = answer.status, answer.error()
    code = _CODES.get(status, ErrorCode.REQUEST_REJECTED)
    if status >= 500:
        code = ErrorCode.SERVICE_UNAVAILABLE
    is_user_error = status >= 500 and error.code == "UserError"
    explanation = ""
    if is_user_error and is_about_private_networks(error.message):
        explanation = f" {what_is_closed(answer.url)}"
    quote = shorten(error.message, LONGEST_QUOTE // 2 if explanation else LONGEST_QUOTE)
    return HttpError(
        status,
        code,
        f"{answer.place} answered {status}.{f' It says: {quote}' if quote else ''}{explanation}",
        retry_after=retry_after_seconds(answer.retry_after, datetime.now(UTC)),
        is_user_error=is_user_error,
    )


_CODES = {
    401: ErrorCode.ACCESS_DENIED,
    403: ErrorCode.ACCESS_DENIED,
    404: ErrorCode.NOT_FOUND,
    408: ErrorCode.SERVICE_UNAVAILABLE,
    429: ErrorCode.SERVICE_UNAVAILABLE,
}


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
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
