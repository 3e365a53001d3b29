"""What each rule took, and which uploads no rule took: counts for people, in the ledger.

They decide nothing. A count that cannot be written is logged, and the upload goes its way.
"""

import azure.durable_functions as df


async def count_taken(client: df.DurableOrchestrationClient, rule_id: str, what: str, run_id: str) -> None:
    """``what`` is the upload as ``<container>/<name>``, or the due time; ``run_id`` the run that it starts."""


async def count_ignored(client: df.DurableOrchestrationClient, reason: str, what: str) -> None:
    """An upload that starts nothing, and why, in one word."""
