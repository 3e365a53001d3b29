"""The identity of this app: one azure-identity credential for the process, chosen by the environment.

``AZURE_TOKEN_CREDENTIALS`` chooses (managed identity, service principal with secret, certificate or federated
token, developer login). A job may outlive any token, so each call asks the credential, which caches and
renews. Tokens are returned to the caller and kept nowhere else.
"""

import base64
import binascii
import json
import logging
import os
from datetime import UTC, datetime
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError

from batch.addresses import CLOUDS, PUBLIC_CLOUD
from batch.errors import ErrorCode, RunError
from batch.run.steps import IdentityView
from batch.timestamps import format_timestamp

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

_LOGIN_HOSTS = frozenset(cloud.login_host for cloud in CLOUDS)
_TRANSIENT_ENTRA_ERRORS = ("AADSTS90033", "AADSTS90024", "AADSTS50196")

_one_at_a_time = Lock()

# They log every token request: three lines for each check of each run.
for _name in ("azure.identity", "azure.core"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def bearer_token(audience: str) -> str:
    """A token for ``audience``. Raises RunError, which names the identity and the answer of Microsoft Entra."""
    return _token(audience).token


def whoami(audience: str) -> IdentityView:
    """The identity with which this app calls ``audience``, and when its token expires.

    The ids are the token's own claims, for display only: nothing is decided by them. Raises RunError as
    ``bearer_token`` does.
    """
    token = _token(audience)
    claims = _claims(token.token)
    identity: IdentityView = {
        "token_expires_at": format_timestamp(datetime.fromtimestamp(token.expires_on, UTC))
    }
    if "appid" in claims:
        identity["client_id"] = str(claims["appid"])
    if "oid" in claims:
        identity["object_id"] = str(claims["oid"])
    if "tid" in claims:
        identity["tenant_id"] = str(claims["tid"])
    return identity


@lru_cache(maxsize=1)
def _credential() -> "TokenCredential":
    # Imported for the first token: the caller of a cold app does not wait for a library that only activities need.
    from azure.identity import DefaultAzureCredential

    authority = os.environ.get("AZURE_AUTHORITY_HOST", PUBLIC_CLOUD.login_host)
    host = authority.removeprefix("https://").rstrip("/")
    # For any other authority azure-identity would first ask the login host of the public cloud whether it is genuine.
    credential: TokenCredential = DefaultAzureCredential(disable_instance_discovery=host not in _LOGIN_HOSTS)
    return credential


def _token(audience: str) -> "AccessToken":
    try:
        # Without the lock a burst of starts would ask Entra once for each start, while no token is cached.
        with _one_at_a_time:
            return _credential().get_token(f"{audience}/.default")
    except (AzureError, ValueError) as error:
        raise _explain(audience, error) from None


def _explain(audience: str, error: Exception) -> RunError:
    reason = str(error)
    chosen = os.environ.get("AZURE_TOKEN_CREDENTIALS", "DefaultAzureCredential")
    client_id = os.environ.get("AZURE_CLIENT_ID", "none set")
    refused = "AADSTS" in reason and not any(code in reason for code in _TRANSIENT_ENTRA_ERRORS)
    return RunError(
        ErrorCode.TOKEN_REFUSED if refused else ErrorCode.TOKEN_UNAVAILABLE,
        f"No token for {audience} as {chosen} (AZURE_CLIENT_ID: {client_id})."
        f" The identity library says: {first_reason(reason)}",
        retryable=not refused,
    )


def first_reason(text: str) -> str:
    """The line with the cause; the library's message has a heading for each credential that it tried."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "AADSTS" in line), " ".join(lines[:4]))


def _claims(token: str) -> dict[str, Any]:
    """Claims of a JWT, unverified; empty for a token of another form."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}
