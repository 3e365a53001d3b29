"""Failures of the store behind the ledger."""

from batch.errors import ErrorCode, RunError


class LedgerUnavailable(RunError):
    """The store gave no answer, or refused. A write may have happened or not.

    ``retry_after`` is the number of seconds that the store asks us to wait, or None.
    """

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(
            ErrorCode.SERVICE_UNAVAILABLE,
            f"The ledger of runs is not available: {reason.rstrip('.')}.",
            retryable=True,
            retry_after=retry_after,
        )
