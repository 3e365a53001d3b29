"""What a parameter takes, by its type and its decorators."""

from collections.abc import Mapping
from typing import Any

import pytest

from infra.check.evaluation.limits import wrong_value
from infra.check.evaluation.values import Unknown


@pytest.mark.parametrize(
    ("value", "type_text", "limits"),
    [
        ("b", "string", {"allowed": ["a", "b"]}),
        (1, "int", {"minValue": 1, "maxValue": 3}),
        (3, "int", {"minValue": 1, "maxValue": 3}),
        ("ab", "string", {"minLength": 2, "maxLength": 2}),
        ([1, 2], "array", {"maxLength": 2}),
        ({}, "object", {}),
        (Unknown("the id of the app"), "string", {"maxLength": 1}),
    ],
)
def test_what_is_taken(value: Any, type_text: str, limits: Mapping[str, Any]) -> None:
    assert wrong_value(value, type_text, limits) is None


@pytest.mark.parametrize(
    ("value", "type_text", "limits", "message"),
    [
        ("c", "string", {"allowed": ["a", "b"]}, """does not take 'c': allowed is ["a","b"]"""),
        (0, "int", {"minValue": 1}, "does not take '0': minValue is 1"),
        (4, "int", {"maxValue": 3}, "does not take '4': maxValue is 3"),
        ("a", "string", {"minLength": 2}, "does not take 'a': minLength is 2"),
        ("abc", "string", {"maxLength": 2}, "does not take 'abc': maxLength is 2"),
        ("1", "int", {}, "must be of type int, not '1'"),
        (True, "int", {}, "must be of type int, not 'True'"),
        (1, "bool", {}, "must be of type bool, not '1'"),
        ("a", "resourceInput<'x'>", {}, "must be of type resourceInput<'x'>, not 'a'"),
    ],
)
def test_what_is_refused(value: Any, type_text: str, limits: Mapping[str, Any], message: str) -> None:
    assert wrong_value(value, type_text, limits) == message
