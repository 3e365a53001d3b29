"""The list of runs: one read of the ledger, and one of the task hub for each run under way."""

import asyncio

import azure.durable_functions as df

from batch.api.continuation import encode_continuation
from batch.api.run_query import RunQuery
from batch.api.run_view import RunView
from ledger.listing import runs_page
from task_hub.known_runs import listed_view
from task_hub.ledger import ledger_of


async def list_runs(
    client: df.DurableOrchestrationClient, query: RunQuery
) -> tuple[list[RunView], str | None]:
    """One page of runs, and the continuation of the next one: None after the last page.

    A page holds fewer than ``top`` runs where more follow, if runs have just moved into another phase: it takes no
    more than 1 + ``top`` reads. Raises RunError if the ledger or the task hub does not answer.
    """
    table = ledger_of(client)
    views: list[RunView] = []
    place, reads = query.place, 0
    while (missing := query.top - max(len(views), reads)) > 0:
        found = await runs_page(table, query, place, missing + 1)
        page, is_last = found[:missing], len(found) <= missing
        for view in await asyncio.gather(*(listed_view(client, table, listed) for listed in page)):
            if not query.phases or view["phase"] in query.phases:
                views.append(view)
        if is_last:
            return views, None
        place = page[-1].place
        reads += 1 + sum(not listed.has_ended for listed in page)
    return views, encode_continuation(place)
