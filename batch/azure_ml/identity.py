"""The identity of this app: one azure-identity credential for the process, chosen by the environment.

``AZURE_TOKEN_CREDENTIALS`` chooses (managed identity, service principal with secret, certificate or federated
token, developer login). A job may outlive any token, so each call asks for one. ``token_cache.py`` keeps them.
"""

import base64
import contextlib
import json
import logging
import os
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from batch import thread_pools
from batch.azure_ml.token_cache import NoAnswerYet, TokenCache
from batch.errors import ErrorCode, RunError, shorten
from batch.run.steps import IdentityView
from batch.timestamps import format_timestamp

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

_LONGEST_CLAIM = 100
"""Characters. The ids have 36."""
_TRANSIENT_ENTRA_ERRORS = ("AADSTS90033", "AADSTS90024", "AADSTS50196")

# They log every token request: three lines for each check of each run.
for _name in ("azure.identity", "azure.core"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def bearer_token(audience: str) -> str:
    """A token for ``audience``; may block for ``token_cache.LONGEST_WAIT``.

    Raises RunError, which names the identity and the answer of Microsoft Entra.
    """
    return _token(audience).token


def whoami(audience: str) -> IdentityView:
    """The identity with which this app calls ``audience``, and when its token expires.

    The ids are the token's own claims, for display only: nothing is decided by them. Raises RunError as
    ``bearer_token`` does.
    """
    token = _token(audience)
    claims = _claims(token.token)
    identity: IdentityView = {}
    with contextlib.suppress(ValueError, OverflowError, OSError):
        identity["token_expires_at"] = format_timestamp(datetime.fromtimestamp(token.expires_on, UTC))
    if client_id := _text(claims.get("appid")):
        identity["client_id"] = client_id
    if object_id := _text(claims.get("oid")):
        identity["object_id"] = object_id
    if tenant_id := _text(claims.get("tid")):
        identity["tenant_id"] = tenant_id
    return identity


@lru_cache(maxsize=1)
def _cache() -> TokenCache:
    return TokenCache(_new_credential, thread_pools.tokens)


def _new_credential() -> "TokenCredential":
    # Imported for the first token: the caller of a cold app does not wait for a library that only activities need.
    from batch.azure_ml.credential import new_credential

    return new_credential()


def _token(audience: str) -> "AccessToken":
    try:
        return _cache().get(audience)
    except Exception as error:
        # An odd answer raises other exceptions than those of azure.core.
        raise _explain(audience, error) from None


def _explain(audience: str, error: Exception) -> RunError:
    reason = str(error)
    chosen = os.environ.get("AZURE_TOKEN_CREDENTIALS", "DefaultAzureCredential")
    client_id = os.environ.get("AZURE_CLIENT_ID", "none set")
    refused = "AADSTS" in reason and not any(code in reason for code in _TRANSIENT_ENTRA_ERRORS)
    return RunError(
        ErrorCode.TOKEN_REFUSED if refused else ErrorCode.TOKEN_UNAVAILABLE,
        f"No token for {audience} as {chosen} (AZURE_CLIENT_ID: {client_id}).{_answer_in_words(error)}",
        retryable=not refused,
    )


def _answer_in_words(error: Exception) -> str:
    if isinstance(error, NoAnswerYet):
        return f" {error}"
    return f" The identity library says: {first_reason(str(error)) or type(error).__name__}"


def first_reason(text: str) -> str:
    """The line with the cause; the library's message has a heading for each credential that it tried."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "AADSTS" in line), " ".join(lines[:4]))


def _claims(token: str) -> dict[str, Any]:
    """Claims of a JWT, unverified; empty for a token of another form."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _text(claim: object) -> str:
    return shorten(claim, _LONGEST_CLAIM) if isinstance(claim, str) else ""
