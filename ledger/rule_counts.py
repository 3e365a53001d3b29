"""What each rule for new data took, and which uploads no rule took: one row for each rule, and one for the others."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self, TypeVar
from uuid import uuid4

from batch.timestamps import format_timestamp, parse_timestamp
from ledger.retry import settled
from ledger.run_row import PARTITION
from ledger.table import Insert, Key, Query, Replace, RowChanged, RowExists, Table, delete_if_there

IGNORED_KEY = Key(PARTITION, "ignored")
_BEGIN = "rule"
_WRITE = "Write"
"""A value that names the write which made the row as it is."""
_PAGE = 1_000

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a rule took. ``what`` is the upload as ``<container>/<name>``, or the due time of a schedule."""

    at: datetime
    what: str
    run_id: str


@dataclass(frozen=True, slots=True)
class IgnoredUpload:
    """An upload that started nothing, and why, in one word."""

    at: datetime
    what: str
    reason: str


T = TypeVar("T", bound=Taken | IgnoredUpload)


@dataclass(frozen=True, slots=True)
class RuleCount:
    """The row of a rule. ``last`` is None only where nothing was counted."""

    count: int = 0
    last: Taken | None = None

    def with_these(self, taken: Sequence[Taken]) -> Self:
        return type(self)(self.count + len(taken), _newest([self.last] if self.last else [], taken))

    def values(self) -> dict[str, str]:
        values = {"Count": str(self.count)}
        if self.last:
            at = format_timestamp(self.last.at)
            values |= {"LastAt": at, "LastUpload": self.last.what, "LastRun": self.last.run_id}
        return values

    @classmethod
    def of(cls, values: Values) -> Self:
        at = parse_timestamp(values.get("LastAt"))
        last = Taken(at, values["LastUpload"], values["LastRun"]) if at else None
        return cls(int(values.get("Count", "0")), last)


@dataclass(frozen=True, slots=True)
class IgnoredCount:
    """The row of the uploads that started nothing. ``reported``: how many of them housekeeping has told."""

    by_reason: Mapping[str, int] = field(default_factory=dict)
    last: IgnoredUpload | None = None
    reported: Mapping[str, int] = field(default_factory=dict)

    def with_these(self, ignored: Sequence[IgnoredUpload]) -> Self:
        by_reason = Counter(self.by_reason) + Counter(each.reason for each in ignored)
        last = _newest([self.last] if self.last else [], ignored)
        return type(self)(dict(by_reason), last, self.reported)

    def since_report(self) -> dict[str, int]:
        """By reason, only those that there are."""
        return dict(Counter(self.by_reason) - Counter(self.reported))

    def all_reported(self) -> Self:
        return type(self)(self.by_reason, self.last, self.by_reason)

    def values(self) -> dict[str, str]:
        values = {"Reasons": json.dumps(self.by_reason)}
        if self.last:
            at = format_timestamp(self.last.at)
            values |= {"LastAt": at, "LastUpload": self.last.what, "LastReason": self.last.reason}
        if self.reported:
            values["Reported"] = json.dumps(self.reported)
        return values

    @classmethod
    def of(cls, values: Values) -> Self:
        at = parse_timestamp(values.get("LastAt"))
        return cls(
            by_reason=json.loads(values.get("Reasons", "{}")),
            last=IgnoredUpload(at, values["LastUpload"], values["LastReason"]) if at else None,
            reported=json.loads(values.get("Reported", "{}")),
        )


def rule_key(rule_id: str) -> Key:
    return Key(PARTITION, f"{_BEGIN} {rule_id}")


async def add_taken(table: Table, key: Key, taken: Sequence[Taken]) -> None:
    """``key`` is that of the rule; ``taken`` is not empty."""
    await _change(table, key, lambda values: RuleCount.of(values).with_these(taken).values())


async def add_ignored(table: Table, ignored: Sequence[IgnoredUpload]) -> None:
    """``ignored`` is not empty."""
    await _change(table, IGNORED_KEY, lambda values: IgnoredCount.of(values).with_these(ignored).values())


async def rule_counts(table: Table) -> dict[str, RuleCount]:
    """By the ids of rules, also of rules that are in no settings any more."""
    counts: dict[str, RuleCount] = {}
    after = f"{_BEGIN} "
    while True:
        rows = await table.rows(Query(PARTITION, after, f"{_BEGIN} ~", _PAGE))
        counts |= {row.key.row.removeprefix(f"{_BEGIN} "): RuleCount.of(row.values) for row in rows}
        if len(rows) < _PAGE:
            return counts
        after = rows[-1].key.row


async def ignored_count(table: Table) -> IgnoredCount:
    row = await table.read(IGNORED_KEY)
    return IgnoredCount.of(row.values) if row else IgnoredCount()


async def take_report(table: Table) -> dict[str, int]:
    """By reason, the uploads that started nothing since the last report. Exactly one caller gets each of them."""
    since: dict[str, int] = {}

    def reported(values: Values) -> Values | None:
        nonlocal since
        count = IgnoredCount.of(values)
        since = count.since_report()
        return count.all_reported().values() if since else None

    await _change(table, IGNORED_KEY, reported)
    return since


async def delete_counts(table: Table, keep: Collection[str], before: datetime) -> int:
    """Deletes the rows of rules that took nothing since ``before``, except of the rules whose ids are in ``keep``."""
    deleted = 0
    for rule_id, count in (await rule_counts(table)).items():
        if rule_id not in keep and (count.last is None or count.last.at < before):
            deleted += await delete_if_there(table, rule_key(rule_id))
    return deleted


def _newest(known: Sequence[T], counted: Sequence[T]) -> T:
    """Another process may have written a later one. Of those of one moment the last that was counted."""
    return sorted((*known, *counted), key=lambda each: each.at)[-1]


async def _change(table: Table, key: Key, change: Callable[[Values], Values | None]) -> None:
    """Writes what ``change`` makes of the values that are there, which may be none; nothing where it answers None.

    A write whose answer was lost is found by its name. It counts a second time only if another process has written
    the row since. Raises LedgerUnavailable.
    """
    name = uuid4().hex

    async def step() -> None:
        while True:
            row = await table.read(key)
            if row and row.values.get(_WRITE) == name:
                return
            changed = change(row.values if row else {})
            if changed is None:
                return
            values = {**changed, _WRITE: name}
            try:
                await table.write(Replace(key, values, row.etag) if row else Insert(key, values))
            except (RowExists, RowChanged):
                # Of the processes that write at once, one gets through each time.
                continue
            return

    await settled(step)
