"""Why there is no token, and what a token says. Real tokens of each identity: the end-to-end tests."""

import base64
import json
from typing import Any, NoReturn

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from batch.azure_ml import identity
from batch.azure_ml.token_cache import NoAnswerYet, TokenCache
from batch.errors import MAX_MESSAGE_LENGTH, ErrorCode, RunError
from batch.thread_pools import ThreadPool


class _NoCredential:
    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    def get_token(self, *scopes: str) -> NoReturn:
        raise self._failure


def _use(credential: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = TokenCache(lambda: credential, ThreadPool("test-tokens", 1))
    monkeypatch.setattr(identity, "_cache", lambda: cache)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (ClientAuthenticationError("AADSTS7000215: Invalid client secret."), ErrorCode.TOKEN_REFUSED),
        (ClientAuthenticationError("AADSTS90033: A transient error."), ErrorCode.TOKEN_UNAVAILABLE),
        (ClientAuthenticationError("No credential in the chain."), ErrorCode.TOKEN_UNAVAILABLE),
        (ServiceRequestError("Connection refused."), ErrorCode.TOKEN_UNAVAILABLE),
        (ServiceResponseError("Remote end closed connection."), ErrorCode.TOKEN_UNAVAILABLE),
        (HttpResponseError("Too many requests."), ErrorCode.TOKEN_UNAVAILABLE),
        (AzureError("Anything else."), ErrorCode.TOKEN_UNAVAILABLE),
        (ValueError("The tenant id is malformed."), ErrorCode.TOKEN_UNAVAILABLE),
        (TypeError("'NoneType' is not subscriptable"), ErrorCode.TOKEN_UNAVAILABLE),
        (RecursionError("maximum recursion depth exceeded"), ErrorCode.TOKEN_UNAVAILABLE),
        (NoAnswerYet("There was no answer within 30 s."), ErrorCode.TOKEN_UNAVAILABLE),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("ask", [identity.bearer_token, identity.whoami])
def test_the_error_says_why_there_is_no_token(
    ask: object, failure: Exception, code: ErrorCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(_NoCredential(failure), monkeypatch)
    assert callable(ask)
    with pytest.raises(RunError, match=r"No token for https://ml\.example") as error:
        ask("https://ml.example")
    assert error.value.code == code
    assert error.value.retryable is (code is ErrorCode.TOKEN_UNAVAILABLE)
    assert str(failure) in error.value.message


def test_an_error_without_a_text_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(_NoCredential(KeyError()), monkeypatch)
    with pytest.raises(RunError, match="says: KeyError"):
        identity.bearer_token("https://ml.example")


def test_a_wait_that_ends_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(_NoCredential(NoAnswerYet("There was no answer within 30 s.")), monkeypatch)
    with pytest.raises(RunError) as error:
        identity.bearer_token("https://ml.example")
    assert error.value.message.endswith(" There was no answer within 30 s.")


def test_the_message_of_the_library_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(_NoCredential(ClientAuthenticationError("AADSTS" + "x" * 10_000)), monkeypatch)
    with pytest.raises(RunError) as error:
        identity.bearer_token("https://ml.example")
    assert len(error.value.message) <= MAX_MESSAGE_LENGTH


class _OneToken:
    def __init__(self, token: str, expires_on: int) -> None:
        self._token = AccessToken(token, expires_on)

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        return self._token


def _jwt(claims: object) -> str:
    text = claims if isinstance(claims, str) else json.dumps(claims)
    return f"e30.{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}.c2ln"


def test_the_identity_is_that_of_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(_OneToken(_jwt({"appid": "a", "oid": "o", "tid": "t"}), 4_102_444_800), monkeypatch)
    assert identity.whoami("https://ml.example") == {
        "client_id": "a",
        "object_id": "o",
        "tenant_id": "t",
        "token_expires_at": "2100-01-01T00:00:00.000Z",
    }


@pytest.mark.parametrize(
    "claims",
    [
        {},
        [],
        {"appid": None, "oid": 5, "tid": {"a": "b"}},
        "no JSON",
        "[" * 100_000,
        '{"appid": ' + "9" * 5_000 + "}",
    ],
    ids=lambda value: str(value)[:20],
)
def test_claims_of_another_form_are_left_out(claims: object, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(_OneToken(_jwt(claims), 4_102_444_800), monkeypatch)
    assert set(identity.whoami("https://ml.example")) == {"token_expires_at"}


@pytest.mark.parametrize("expires_on", [10**12, 10**30])
def test_a_token_that_outlives_the_calendar_has_no_expiry(
    expires_on: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(_OneToken("not-a-jwt", expires_on), monkeypatch)
    assert identity.whoami("https://ml.example") == {}
