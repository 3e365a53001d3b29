"""The functions of Bicep."""

import re
from pathlib import Path
from typing import Any

import pytest

from infra.check.evaluation.values import EvaluationError
from tests.infra.evaluation.small_project import value_of


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("any('a')", "a"),
        ("concat('a', 'b', 'c')", "abc"),
        ("concat([1], [2, 1])", [1, 2, 1]),
        ("contains('abc', 'b')", True),
        ("contains(['a', 'b'], 'c')", False),
        ("contains({ a: 1 }, 'a')", True),
        ("empty('')", True),
        ("empty([])", True),
        ("empty({})", True),
        ("empty(null)", True),
        ("empty('a')", False),
        ("endsWith('abC', 'Bc')", True),
        ("first(['a', 'b'])", "a"),
        ("first('ab')", "a"),
        ("first([])", None),
        ("flatten([[1], [], [2, 3]])", [1, 2, 3]),
        ("int('12')", 12),
        ("items({ b: 1, a: 2 })", [{"key": "a", "value": 2}, {"key": "b", "value": 1}]),
        ("last(['a', 'b'])", "b"),
        ("range(2, 3)", [2, 3, 4]),
        ("join(['a', 'b'], ', ')", "a, b"),
        ("length('abc')", 3),
        ("length({ a: 1 })", 1),
        ("max(1, 3, 2)", 3),
        ("min([4, 3])", 3),
        ("replace('a.b.c', '.', '-')", "a-b-c"),
        ("split('a/b', '/')", ["a", "b"]),
        ("startsWith('abc', 'AB')", True),
        ("string(true)", "True"),
        ("string(90)", "90"),
        ("string([{ a: 'ä', b: [1, null] }])", '[{"a":"ä","b":[1,null]}]'),
        ("take('abc', 2)", "ab"),
        ("trim(' a b ')", "a b"),
        ("uri('https://login.example', 'a/v2.0')", "https://login.example/a/v2.0"),
        ("uri('https://login.example/', 'a/v2.0')", "https://login.example/a/v2.0"),
        ("take([1, 2], 5)", [1, 2]),
        ("toLower('AbC')", "abc"),
        ("toUpper('AbC')", "ABC"),
        (
            "union({ a: 1, b: { c: 1, d: 1 } }, { b: { c: 2 }, e: 3 })",
            {"a": 1, "b": {"c": 2, "d": 1}, "e": 3},
        ),
        ("union(['b', 'a', 'b'], ['c', 'a', 'c'])", ["b", "a", "c"]),
        ("tenant().tenantId", "tenant-of-one"),
        ("subscription().id", "/subscriptions/one"),
        ("resourceGroup('two', 'group').id", "/subscriptions/two/resourceGroups/group"),
        ("resourceGroup('group').id", "/subscriptions/one/resourceGroups/group"),
        ("environment().suffixes.storage", "core.windows.net"),
        (
            "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')",
            "/subscriptions/one/providers/Microsoft.Authorization/roleDefinitions/r",
        ),
    ],
)
def test_value(tmp_path: Path, expression: str, wanted: Any) -> None:
    found = value_of(tmp_path, expression)
    assert (found, type(found)) == (wanted, type(wanted))


def test_json_is_read_beside_the_template(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text('[{"a": 1}]')
    assert value_of(tmp_path, "loadJsonContent('../rules.json')") == [{"a": 1}]


@pytest.mark.parametrize(
    ("function", "form"),
    [("uniqueString", r"[a-z2-7]{13}"), ("guid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")],
)
def test_made_texts_depend_on_all_arguments(tmp_path: Path, function: str, form: str) -> None:
    calls = ("('a', 'b')", "('a', 'b')", "('a', 'c')", "('ab')", "('b', 'a')")
    found = value_of(tmp_path, f"[{', '.join(function + call for call in calls)}]")
    assert found[0] == found[1]
    assert len(set(found)) == 4
    assert all(re.fullmatch(form, one) for one in found)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("length(3)", "length: '3' is no text, list or object"),
        ("map({ a: 1 }, one => one)", "map: an object has no order"),
        ("union({}, [])", "union: all arguments must be objects, or all must be lists"),
        ("uniqueString(1)", "uniqueString: all arguments must be texts"),
        ("max('a', 'b')", "max: all arguments must be whole numbers"),
        ("int('one')", "int: invalid literal"),
        ("resourceGroup().id", "resourceGroup: this template is for a subscription"),
        ("toLower()", "toLower: "),
        ("loadJsonContent('main.bicep')", "loadJsonContent: "),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, expression: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=re.escape(message)):
        value_of(tmp_path, expression)


@pytest.mark.parametrize(
    "call",
    [
        "contains(account.location, 'west')",
        "contains(['westeurope'], account.location)",
        "startsWith(account.location, 'west')",
        "endsWith('westeurope', account.location)",
        "split(account.location, '-')",
        "replace(account.location, 'west', 'north')",
        "take(account.location, 4)",
    ],
)
def test_nothing_is_decided_by_a_text_that_only_azure_knows(tmp_path: Path, call: str) -> None:
    account = (
        "resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing ="
        " { name: 'lake', scope: resourceGroup('data') }"
    )
    with pytest.raises(EvaluationError, match=r"<lake\.location>"):
        value_of(tmp_path, call, account)
