"""The rules for new data with what each took, as the API shows them."""

import asyncio
from collections.abc import Sequence

import azure.durable_functions as df

from batch.api.rules_view import IgnoredView, LastTaken, RulesView, RuleView
from batch.new_data.configured import ConfiguredRule
from batch.timestamps import format_timestamp
from ledger.rule_counts import IgnoredCount, RuleCount, Taken, ignored_count, rule_counts
from task_hub.ledger import ledger_of


async def list_rules(
    client: df.DurableOrchestrationClient, topic: str, rules: Sequence[ConfiguredRule]
) -> RulesView:
    """Raises RunError if the ledger fails."""
    table = ledger_of(client)
    counts, ignored = await asyncio.gather(rule_counts(table), ignored_count(table))
    return {
        "topic": topic or None,
        "rules": [
            _rule_view(index, rule, counts.get(rule.id, RuleCount())) for index, rule in enumerate(rules)
        ],
        "ignored": _ignored_view(ignored),
    }


def _rule_view(index: int, rule: ConfiguredRule, count: RuleCount) -> RuleView:
    return {
        "index": index,
        "start": rule.start,
        "id": rule.id,
        "fields": dict(rule.fields),
        "taken": count.count,
        "last": _last_taken(rule, count.last) if count.last else None,
        "next_start_at": format_timestamp(rule.next_start_at) if rule.next_start_at else None,
    }


def _last_taken(rule: ConfiguredRule, last: Taken) -> LastTaken:
    is_by_clock = rule.start == "schedule"
    return {
        "at": format_timestamp(last.at),
        "upload": None if is_by_clock else last.what,
        "due_at": last.what if is_by_clock else None,
        "run_id": last.run_id,
    }


def _ignored_view(count: IgnoredCount) -> IgnoredView:
    last = count.last
    return {
        "count": sum(count.by_reason.values()),
        "by_reason": dict(sorted(count.by_reason.items())),
        "last": {"at": format_timestamp(last.at), "upload": last.what, "reason": last.reason}
        if last
        else None,
    }
