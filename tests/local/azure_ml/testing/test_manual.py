"""The manual of the control API, in ``local/README.md``, has each name that the API knows, and no other."""

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_args
from unittest.mock import Mock

import pytest

from local.azure_ml.jobs.engine import JobEngine
from local.azure_ml.jobs.scoring import Scorer
from local.azure_ml.testing.control import Control
from local.azure_ml.testing.faults import Action, Body, Faults, FaultSpec, Operation
from local.azure_ml.testing.request_log import RequestLog
from tests.docs.pages import table
from tests.local.azure_ml.api import Api

LOCAL = Path(__file__).parents[4] / "local"
MANUAL = (LOCAL / "README.md").read_text()


def first_cells(column: str) -> list[str]:
    return [row[0].strip("`") for row in table(MANUAL, column)]


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("operation", [operation.value for operation in Operation]),
        ("action", list(get_args(Action))),
        ("body", list(get_args(Body))),
        ("field", [field.name for field in fields(FaultSpec)]),
    ],
)
def test_each_name_of_a_fault_is_explained(column: str, names: list[str]) -> None:
    assert sorted(first_cells(column)) == sorted(names)


def test_the_defaults_are_those_of_a_fault() -> None:
    stated = {name.strip("`"): default.strip("`") for name, default, _ in table(MANUAL, "field")}
    for field in fields(FaultSpec):
        if field.default is not MISSING and field.name != "body":
            assert stated[field.name] == ("null" if field.default is None else str(field.default)), field.name


def test_each_route_is_there() -> None:
    # No route is called, so the engine and the scorer are not needed.
    control = Control(Faults(), Mock(JobEngine), Mock(Scorer), RequestLog())
    routes = {
        f"{route.method} {route.resource.canonical}"
        for route in control.application().router.routes()
        if route.resource and route.method != "HEAD"
    }
    assert set(first_cells("request")) == routes


def test_the_fault_of_the_example_is_accepted(api: Api) -> None:
    [body] = re.findall(r"/faults -d '(.+)'", MANUAL)
    answer = api.session.post(f"{api.info.control_url}/faults", data=body, timeout=10)
    assert (answer.status_code, answer.json()["spec"]["times"]) == (201, 2)


def test_what_emulates_something_exists() -> None:
    for _, places, _ in table(MANUAL, "in Azure"):
        for place in re.findall(r"`([^`]+)`", places):
            assert (LOCAL / place).exists() or (LOCAL.parent / place).exists(), place
