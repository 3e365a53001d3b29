"""One machine serves most end-to-end tests; a test that kills or floods it makes its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.azure_ml import ControlClient
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import App


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    with LocalMachine(MachineConfig(tmp_path_factory.mktemp("machine"))) as machine:
        yield machine


@pytest.fixture(scope="session")
def app(machine: LocalMachine) -> App:
    return App(machine.url)


@pytest.fixture
def control(machine: LocalMachine) -> Iterator[ControlClient]:
    """The control API of the shared machine; faults and holds end with the test."""
    yield machine.control
    machine.control.reset()


@pytest.fixture
def own_state(tmp_path: Path) -> Path:
    return tmp_path / "machine"
