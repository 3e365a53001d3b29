"""What each rule took, and which uploads no rule took: counts for people, in the ledger.

They decide nothing. A count that cannot be written is logged, and the upload goes its way. Their rows are imported
for the first count: a cold start does not wait for them.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import azure.durable_functions as df

from batch.log import log_event
from batch.new_data.blob import MAX_NAME_LENGTH
from batch.redaction import redact
from ledger.group_commit import GroupCommit
from ledger.table import Key, Table
from task_hub.ledger import ledger_of

if TYPE_CHECKING:
    from ledger.rule_counts import IgnoredUpload, Taken

_LONGEST_WAIT = 5.0
"""Seconds that an upload waits for its count. The write goes on."""
_LONGEST_WRITE = 30.0
"""Seconds. The next group of counts waits so long at most."""
_MOST_CHARACTERS = 63 + 1 + MAX_NAME_LENGTH
"""Of a container, a slash and a name."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""What a store may not hold. The name of a malformed event has any characters."""

logger = logging.getLogger(__name__)


async def count_taken(client: df.DurableOrchestrationClient, rule_id: str, what: str, run_id: str) -> None:
    """``what`` is the upload as ``<container>/<name>``, or the due time; ``run_id`` the run that it starts."""
    from ledger.rule_counts import Taken, rule_key

    taken = Taken(datetime.now(UTC), _storable(what), run_id)
    await _wait_for(_taken.add(ledger_of(client), rule_key(rule_id), taken))


async def count_ignored(client: df.DurableOrchestrationClient, reason: str, what: str) -> None:
    """An upload that starts nothing, and why, in one word."""
    from ledger.rule_counts import IGNORED_KEY, IgnoredUpload

    ignored = IgnoredUpload(datetime.now(UTC), _storable(what), str(reason))
    await _wait_for(_ignored.add(ledger_of(client), IGNORED_KEY, ignored))


async def ignored_since_report(client: df.DurableOrchestrationClient) -> dict[str, int]:
    """How many uploads started nothing since the last call, by reason. Raises RunError if the ledger fails."""
    from ledger.rule_counts import take_report

    return await take_report(ledger_of(client))


async def purge_counts(client: df.DurableOrchestrationClient, rule_ids: set[str], before: datetime) -> int:
    """How many rows were deleted: those of rules that are not in the settings and took nothing since ``before``."""
    from ledger.rule_counts import delete_counts

    return await delete_counts(ledger_of(client), rule_ids, before)


async def _wait_for(write: asyncio.Task[None]) -> None:
    """The write goes on if this caller waits no longer, or is canceled: it holds the counts of others, too."""
    await asyncio.wait({write}, timeout=_LONGEST_WAIT)


async def _write_taken(table: Table, key: Key, taken: "list[Taken]") -> None:
    from ledger.rule_counts import add_taken

    await _try(key, len(taken), add_taken(table, key, taken))


async def _write_ignored(table: Table, key: Key, ignored: "list[IgnoredUpload]") -> None:
    from ledger.rule_counts import add_ignored

    await _try(key, len(ignored), add_ignored(table, ignored))


async def _try(key: Key, count: int, write: Awaitable[None]) -> None:
    """A count must not fail what it counts."""
    try:
        async with asyncio.timeout(_LONGEST_WRITE):
            await write
    except Exception as error:  # also what is wrong with a row that somebody changed by hand
        reason = str(error) or type(error).__name__
        log_event(logger, logging.WARNING, "count_not_written", row=key.row, count=count, reason=reason)


_taken = GroupCommit(_write_taken)
_ignored = GroupCommit(_write_ignored)


def _storable(what: str) -> str:
    # Redacted before it is cut: a secret is known by what stands behind it, too.
    return redact(_CONTROL.sub("\ufffd", what))[:_MOST_CHARACTERS]
