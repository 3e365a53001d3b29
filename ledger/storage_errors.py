"""What Azure Table Storage answers when it does not do what was asked, in words that lead to the cause.

Messages of the service are not quoted: the one about a wrong key has the text that was signed, and the signature.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from azure.core.exceptions import AzureError, HttpResponseError

from batch.azure_ml.rest import retry_after_seconds
from ledger.errors import LedgerUnavailable
from ledger.storage_account import StorageAccount
from ledger.table import Change, RowChanged, RowExists

ENTITY_MISSING = frozenset({"ResourceNotFound", "EntityNotFound"})
TABLE_MISSING = "TableNotFound"
TABLE_PRESENT = "TableAlreadyExists"
_ROW_EXISTS = "EntityAlreadyExists"
_ETAG_DIFFERS = frozenset({"UpdateConditionNotSatisfied", "ConditionNotMet"})

_ROLE = "Storage Table Data Contributor"
_CAUSES = {
    "AuthorizationPermissionMismatch": f"the app's identity needs the role {_ROLE} on the account",
    "AuthorizationFailure": "the account's network rules do not let the app in, or its signature does not allow this",
    "KeyBasedAuthenticationNotPermitted": "the account does not permit keys; let the app use its identity",
    "AuthenticationFailed": "the account does not accept the key, signature or token",
    "InvalidAuthenticationInfo": "the account does not accept the key, signature or token",
    "AccountIsDisabled": "the account is disabled",
    "TableBeingDeleted": "the table is being deleted; it can be made again after some time",
    "ServerBusy": "the account is busy",
    "OperationTimedOut": "the account needs too long",
    TABLE_MISSING: "the table is missing, though it was created just now",
}


def error_code(error: HttpResponseError) -> str:
    """The service's code of the error, or empty."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def row_conflict(error: HttpResponseError, changes: tuple[Change, ...]) -> RowExists | RowChanged | None:
    """The conflict that a transaction met, if it is one."""
    index = getattr(error, "index", 0)
    key = changes[index if 0 <= index < len(changes) else 0].key
    code = error_code(error)
    if code == _ROW_EXISTS:
        return RowExists(key)
    if code in ENTITY_MISSING or code in _ETAG_DIFFERS:
        return RowChanged(key)
    return None


def unavailable(error: AzureError, account: StorageAccount, table: str) -> LedgerUnavailable:
    if isinstance(error, HttpResponseError) and error.response is not None:
        code = error_code(error)
        cause = _CAUSES.get(code)
        headers: Mapping[str, str] = getattr(error.response, "headers", {})
        request = headers.get("x-ms-request-id")
        return LedgerUnavailable(
            f"{_place(account, table)} answered {error.response.status_code} {code}".rstrip()
            + (f" (request {request})" if request else "")
            + (f": {cause}" if cause else ""),
            retry_after=retry_after_seconds(headers.get("Retry-After"), datetime.now(UTC)),
        )
    return LedgerUnavailable(f"{_place(account, table)} gave no answer: {error}")


def no_token(account: StorageAccount, reason: str) -> LedgerUnavailable:
    return LedgerUnavailable(
        f"no token for storage account {account.name}. The identity library says: {reason}"
    )


def too_slow(account: StorageAccount, table: str, seconds: float) -> LedgerUnavailable:
    return LedgerUnavailable(f"{_place(account, table)} gave no answer within {seconds:g} s")


def unreadable(account: StorageAccount, table: str) -> LedgerUnavailable:
    return LedgerUnavailable(f"{_place(account, table)} gave an answer that cannot be read")


def _place(account: StorageAccount, table: str) -> str:
    return f"table {table} of storage account {account.name}"
