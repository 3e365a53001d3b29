"""Why there is no token. Real tokens of each identity: the end-to-end tests."""

from typing import NoReturn

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from batch.azure_ml import identity
from batch.errors import ErrorCode, RunError


class _NoCredential:
    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    def get_token(self, *scopes: str) -> NoReturn:
        raise self._failure


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
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("ask", [identity.bearer_token, identity.whoami])
def test_the_error_says_why_there_is_no_token(
    ask: object, failure: Exception, code: ErrorCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "_credential", lambda: _NoCredential(failure))
    assert callable(ask)
    with pytest.raises(RunError, match=r"No token for https://ml\.example") as error:
        ask("https://ml.example")
    assert error.value.code == code
    assert error.value.retryable is (code is ErrorCode.TOKEN_UNAVAILABLE)
    assert str(failure) in error.value.message
