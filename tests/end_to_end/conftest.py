"""One machine serves most end-to-end tests. A test that kills the host or sends very many requests starts its own.

Durable time runs faster there, so that nobody waits a real second between two checks. A test of longer times skips
them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions_host.durable.steered_clock import ClockFile
from local.azure_ml import ControlClient
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import TIME_SCALE, App

CLOSED_DATASTORE = "closed"
"""No test lets the app read where it is: the app keeps what it has read."""


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    config = MachineConfig(
        tmp_path_factory.mktemp("machine"),
        time_scale=TIME_SCALE,
        datastores={CLOSED_DATASTORE: tmp_path_factory.mktemp("closed")},
    )
    with LocalMachine(config) as machine:
        yield machine


@pytest.fixture
def app(machine: LocalMachine) -> App:
    return App(machine.url)


@pytest.fixture
def clock(machine: LocalMachine) -> Iterator[ClockFile]:
    """The clock of the shared machine; after the test its usual pace is restored."""
    yield machine.clock
    machine.clock.run(TIME_SCALE)


@pytest.fixture
def control(machine: LocalMachine) -> Iterator[ControlClient]:
    """The control API of the shared machine; faults and holds end with the test."""
    yield machine.control
    machine.control.reset()


@pytest.fixture
def own_state(tmp_path: Path) -> Path:
    return tmp_path / "machine"
