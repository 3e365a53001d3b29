"""The list of runs, newest first. Every filter is a condition that the store answers."""

from collections.abc import Iterable
from datetime import datetime

from batch.api.run_query import RunQuery
from batch.run.phases import PENDING, PHASES
from batch.timestamps import format_timestamp
from ledger.run_row import (
    LISTED_NAMES,
    PARTITION,
    ListedRun,
    RunList,
    listed_phase,
    places_from,
    places_until,
    tag_column,
)
from ledger.table import Comparison, Condition, Query, Table

_UNDER_WAY = frozenset(phase for phase, facts in PHASES.items() if not facts.ended)
_MOST_PHASES = 6
"""Azure Table Storage takes 15 comparisons; keys, endpoint, prefix, source and tag need 9 of them."""
_WITHOUT_FOLLOWING = ("\ud7ff", "\uffff", "\U0010ffff")
"""Nothing follows them, or what follows differs between the orders of code points and UTF-16. None is a letter."""


async def runs_page(table: Table, query: RunQuery, after: str, top: int) -> list[ListedRun]:
    """The first ``top`` runs that ``query`` selects, behind the place ``after``; empty text: from the newest on.

    A run under way may be in a later phase than the list knows. With nearly all phases, runs in the others are there,
    too.
    """
    which = RunList.UNDER_WAY if _only_under_way(query.phases) else RunList.ALL
    first = max(after, places_until(query.started_to) if query.started_to else "")
    last = places_from(query.started_from) if query.started_from else "~"
    found = await table.rows(
        Query(
            partition=PARTITION,
            after=f"{which} {first}",
            before=f"{which} {last}",
            top=top,
            conditions=tuple(_conditions(query)),
            names=LISTED_NAMES,
        )
    )
    return [ListedRun.of(row.values) for row in found]


async def runs_under_way(table: Table, started_before: datetime, after: str, top: int) -> list[ListedRun]:
    """Runs under way that started before a moment, newest first."""
    return await runs_page(table, RunQuery(phases=_UNDER_WAY, started_to=started_before), after, top)


async def runs_pending(table: Table, started_before: datetime, after: str, top: int) -> list[ListedRun]:
    """As ``runs_under_way``, of these the runs that have no job yet."""
    query = RunQuery(phases=frozenset({PENDING}), started_to=started_before)
    return await runs_page(table, query, after, top)


async def runs_ended(table: Table, ended_before: datetime, top: int) -> list[ListedRun]:
    """Runs that ended before a moment, of those that started last the first."""
    query = Query(
        partition=PARTITION,
        after=f"{RunList.ALL} {places_until(ended_before)}",
        before=RunList.ALL.before,
        top=top,
        conditions=(Condition("EndedAt", Comparison.BELOW, (format_timestamp(ended_before),)),),
        names=LISTED_NAMES,
    )
    return [ListedRun.of(row.values) for row in await table.rows(query)]


def _only_under_way(phases: frozenset[str]) -> bool:
    return bool(phases) and phases <= _UNDER_WAY


def _conditions(query: RunQuery) -> Iterable[Condition]:
    if query.phases and query.phases != _UNDER_WAY:
        kept = {listed_phase(phase) for phase in query.phases}
        if len(kept) <= _MOST_PHASES:
            yield Condition("Phase", Comparison.EQUAL, tuple(sorted(kept)))
    if query.endpoint:
        yield Condition("Endpoint", Comparison.EQUAL, (query.endpoint,))
    if query.tag:
        name, value = query.tag
        yield Condition(tag_column(name), Comparison.EQUAL, (value,))
    for name, start in (("RunId", query.prefix), ("Source", query.source)):
        if start:
            yield Condition(name, Comparison.FROM, (start,))
            yield Condition(name, Comparison.BELOW, (_behind_all_with(start),))


def _behind_all_with(prefix: str) -> str:
    """A text behind all those that begin with ``prefix``, by the order of code points and of UTF-16.

    It is the first such text, unless ``prefix`` ends with a character that no text of people has.
    """
    while prefix.endswith(_WITHOUT_FOLLOWING):
        prefix = prefix[:-1]
    return prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else ""
