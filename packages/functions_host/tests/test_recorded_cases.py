"""Many small orchestrations have the same outcomes on this host as on the Durable extension."""

import json
import re
from typing import Any

import pytest

from packages.functions_host.tests.conftest import HostProcess
from packages.functions_host.tests.recorded_cases import RecordedCases
from packages.functions_host.tests.recordings import differences, recording

APP = "small_orchestrations"
RECORDED = {record["case"]: record for record in recording("cases")}

# What is not compared, and why.
DELIBERATE = (
    (
        r'(?<="InnerException":\{).*(?<!\})$',
        "The app cuts this text, and the recording had the names in it replaced after the cut.",
    ),
    (
        r'\\nStack: .*?(?=","Data":)',
        "The Python traceback has paths of the machine and line numbers of the app.",
    ),
    (r'(?<="Source":")[^"]+', "The extension names the .NET program that it runs in, this host itself."),
    (
        r'(?<="StackTrace":"   at )(\\.|[^"\\])*',
        "There is no .NET code here: one frame names this host.",
    ),
    (r"(?<=StackTrace:    at ).*", "As above, for the details of a failed orchestration."),
)
# Parallel activities end in any order.
PARALLEL = ("o_all", "o_all_fails")


@pytest.fixture(scope="module")
def played(host: HostProcess) -> dict[str, dict[str, Any]]:
    cases = RecordedCases(host)
    cases.play()
    return cases.records


@pytest.mark.parametrize("case", RECORDED)
def test_a_case_has_the_recorded_outcome(played: dict[str, dict[str, Any]], case: str) -> None:
    assert not differences(_comparable(RECORDED[case]), _comparable(played[case]), {})


def _comparable(record: dict[str, Any]) -> Any:
    if record["case"] in PARALLEL:
        started, *tasks, completed = record["events"]
        record = {**record, "events": [started, *sorted(tasks, key=json.dumps), completed]}
    return _without_deliberate(record)


def _without_deliberate(value: Any) -> Any:
    match value:
        case str():
            for pattern, _ in DELIBERATE:
                value = re.sub(pattern, "…", value, flags=re.DOTALL)
            return value
        case list():
            return [_without_deliberate(item) for item in value]
        case dict():
            return {name: _without_deliberate(item) for name, item in value.items()}
    return value
