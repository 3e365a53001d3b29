"""Rules as people look at them: what they say themselves, and nothing secret."""

from typing import Any

import pytest

from batch.new_data.configured import configured_rules
from batch.new_data.rules import NewDataRule
from batch.new_data.settings import NewData


def fields(**rule: Any) -> dict[str, Any]:
    validated = NewDataRule.model_validate({"container": "incoming", **rule})
    [configured] = configured_rules(NewData("topic", (validated,)))
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
    assert [rule.fields["container"] for rule in configured_rules(NewData("t", rules))] == [
        "zzz",
        "aaa",
        "mmm",
    ]
