"""Expressions have the value that Bicep gives them, also where the grammar arranges them in another way."""

from pathlib import Path
from typing import Any

import pytest

from infra.check.evaluation.values import EvaluationError
from tests.infra.evaluation.small_project import value_of

NAMES = """
var rules = [{ start: 'file', place: { name: 'a' } }, { start: 'schedule', place: { name: 'b' } }]
var rule = { start: 'marker', tags: { 'a-b': 1 }, list: [1, 2] }
var other = { start: 'file' }
var yes = true
var no = false
var nothing = null
resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: 'lake'
  scope: resourceGroup('data')
}
"""


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("'a\\'b\\\\c\\n\\u{41}\\${x}'", "a'b\\c\nA${x}"),
        ("'''\nfirst 'line'\n'''", "first 'line'\n"),
        ("'${1}-${true}-${nothing}-${rule.start}'", "1-True--marker"),
        ("'${[1, 'a']}'", '[1,"a"]'),
        ("{ 'a.b': 1, '${rule.start}-c': no }", {"a.b": 1, "marker-c": False}),
        ("[1\n  rule.start // a comment\n  -2\n]", [1, "marker", -2]),
        ("'a$b\\$'", "a$b$"),
        ("1 + 2 * 3 - 4", 3),
        ("10 - 3 - 2", 5),
        ("(1 + 2) * 3", 9),
        ("1 < 2 && 2 >= 2 || no", True),
        ("!no && !yes", False),
        ("1 == true", False),
        ("rule.start != other.start", True),
        ("rule.start == 'marker' && other.start == 'file'", True),
        ("rule.?missing ?? !no", True),
        ("[min(1, 2), max(1, 2)]", [1, 2]),
        ("[\n  min(1, 2)\n  !yes\n  [no]\n  (1)\n  no\n    ? 2\n    : 3\n]", [1, False, [False], 1, 3]),
        ("{ a: min(1, 2), b: [max(1, 2)] }", {"a": 1, "b": [2]}),
        ("rule.?start ?? 'none'", "marker"),
        ("rule.?missing.?deeper ?? 'none'", "none"),
        ("rule.?missing.deeper['and'].deeper ?? 'none'", "none"),
        ("rules[?2].place.name ?? 'none'", "none"),
        ("account.?location == account.location", True),
        ("nothing ?? other.start", "file"),
        ("no ? rule.start : other!.start", "file"),
        ("no ? 1 : yes ? rule!.start : other!.start", "marker"),
        ("(yes ? rule : other).start", "marker"),
        ("rule.tags['a-b']", 1),
        ("rules[1].place.name", "b"),
        ("rules[?2] ?? 'none'", "none"),
        ("filter(rules, rule => rule.start != 'schedule')[0].start", "file"),
        ("filter(rules, one => contains(one, 'start') && one.start == 'schedule')[0].place.name", "b"),
        ("map(rules, one => one.place.name)", ["a", "b"]),
        ("map(rules, one => one.?missing ?? 'none')", ["none", "none"]),
        ("map(rules, (one) => '${rule.start}/${one.start}')", ["marker/file", "marker/schedule"]),
        ("map(map([1, 2], one => one + 1), one => { value: one })", [{"value": 2}, {"value": 3}]),
        ("map(rules, rule => union(other, rule).start)", ["file", "schedule"]),
        ("[for (one, index) in rules: '${index}${one.start}']", ["0file", "1schedule"]),
        ("[for one in rules: one!.start]", ["file", "schedule"]),
        ("[for one in range(0, 2): { at: one }]", [{"at": 0}, {"at": 1}]),
        ("[for one in (no ? [] : rule!.list): one]", [1, 2]),
        ("az.environment().name", "AzureCloud"),
    ],
)
def test_value(tmp_path: Path, expression: str, wanted: Any) -> None:
    found = value_of(tmp_path, expression, NAMES)
    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("missing", "missing is not declared"),
        ("rule.stop", "the object has no stop, only start, tags, list"),
        ("rules[2]", "the list has no item 2, it has 2"),
        ("rule.start.length", "'marker' has no length"),
        ("rule.start ? 1 : 2", "'marker' is neither true nor false"),
        ("yes && 'a'", "'a' is neither true nor false"),
        ("!rule.start", "! needs values of type bool, not 'marker'"),
        ("'a' + 'b'", "+ needs values of type int, not 'a'"),
        ("7 % 2", "does not know the operator %"),
        ("cidrSubnet('10.0.0.0/16', 24, 0)", "does not know the function cidrSubnet"),
        ("filter(rules, one => one.start)", "filter: 'file' is neither true nor false"),
        ("[for one in rule: one]", "a loop needs a list"),
        ("loop", "loop depends on itself"),
        ("rule.?tags.deeper", "the object has no deeper"),
        ("account.location == 'westeurope'", "only Azure knows whether '<lake.location>' is 'westeurope'"),
        ("account.location != 'westeurope'", "only Azure knows whether '<lake.location>' is 'westeurope'"),
    ],
)
def test_what_has_no_value_is_an_error_with_its_place(tmp_path: Path, expression: str, message: str) -> None:
    names = f"{NAMES}var loop = [loop]\n"
    with pytest.raises(EvaluationError) as raised:
        value_of(tmp_path, expression, names)
    assert message in raised.value.message
    lines = (tmp_path / "infra/main.bicep").read_text().splitlines()
    wanted = "var loop" if expression == "loop" else "output found"
    assert raised.value.place.file == Path("infra/main.bicep")
    assert lines[raised.value.place.line - 1].startswith(wanted)


def test_only_the_branch_that_is_taken_is_evaluated(tmp_path: Path) -> None:
    assert value_of(tmp_path, "yes || missing ? 'taken' : alsoMissing", NAMES) == "taken"
