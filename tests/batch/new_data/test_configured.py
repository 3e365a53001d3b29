"""Rules as people look at them: what they say themselves, and nothing secret."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from batch.new_data.configured import configured_rules
from batch.new_data.rules import NewDataRule
from batch.new_data.settings import NewData
from tests.batch.builders import settings

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def fields(**rule: Any) -> dict[str, Any]:
    validated = NewDataRule.model_validate({"container": "incoming", **rule})
    [configured] = configured_rules(NewData("topic", (validated,)), NOW)
    assert (configured.id, configured.start) == (validated.id, validated.start)
    assert configured.next_start_at is None
    return dict(configured.fields)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"prefix": "a/", "suffix": ".csv"},
        {"quiet_seconds": 5, "late": "ignore"},
        {"output_uri": "azureml://datastores/lake/paths/{date}/{run_id}.csv"},
        {"tags": {"team": "fraud"}, "overrides": {"mini_batch_size": 5}, "retry_on": ["service"]},
    ],
)
def test_a_rule_shows_what_it_says(said: dict[str, Any]) -> None:
    assert fields(**said) == {"container": "incoming", **said}


@pytest.mark.parametrize("start", ["file", "marker", "folder"])
def test_the_start_is_not_among_the_fields(start: str) -> None:
    assert fields(start=start, quiet_seconds=60) == {"container": "incoming"}


def test_what_looks_like_a_secret_is_removed_at_any_depth() -> None:
    shown = fields(
        endpoint_uri="https://user@host/jobs?sig=abc",
        tags={"a": "Bearer eyJ0eXAiOiJKV1Qi.abc"},
        retry_on=["AccountKey=abc=="],
    )
    assert "abc" not in str(shown)
    assert "eyJ" not in str(shown)
    assert shown["retry_on"] == ["AccountKey=[redacted]"]


def test_the_order_is_that_of_the_settings() -> None:
    rules = tuple(NewDataRule(container=name) for name in ("zzz", "aaa", "mmm"))
    assert [rule.fields["container"] for rule in configured_rules(NewData("t", rules), NOW)] == [
        "zzz",
        "aaa",
        "mmm",
    ]


def test_a_schedule_stands_in_its_place_and_shows_when_it_is_due_next() -> None:
    schedule = {"name": "nightly", "cron": "30 2 * * *", "input_uri": "azureml://datastores/d/paths/{date}/"}
    said = [{"container": "one"}, {"start": "schedule", **schedule}, {"container": "two"}]
    topic = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account"
    rules = NewData.from_environment(
        {"NEW_DATA_RULES": json.dumps(said), "NEW_DATA_TOPIC": topic}, settings()
    )

    one, nightly, two = configured_rules(rules, NOW)
    assert (one.fields["container"], two.fields["container"]) == ("one", "two")
    assert (nightly.id, nightly.start, nightly.fields) == ("schedule-nightly", "schedule", schedule)
    assert nightly.next_start_at == datetime(2026, 2, 1, 2, 30, tzinfo=UTC)
