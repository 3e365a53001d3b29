import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.azure_ml import AzureMlService, ServiceConfig, even_pace, standard_deployments
from tests.local.azure_ml.api import SAMPLES, Api

StartService = Callable[..., AzureMlService]


def sample_config(state: Path, **changes: Any) -> ServiceConfig:
    """A job stays in no status by itself; a test that needs one holds the job in it."""
    settings: dict[str, Any] = {
        "deployments": standard_deployments(SAMPLES / "score.py", SAMPLES / "model"),
        "pace": even_pace(0),
        "cancel_seconds": 0.0,
        "datastores": {"demo": SAMPLES / "data"},
    }
    return ServiceConfig(state=state, **(settings | changes))


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureMlService]:
    with AzureMlService(sample_config(tmp_path_factory.mktemp("azure-ml"))) as service:
        yield service


@pytest.fixture
def service(shared_service: AzureMlService) -> Iterator[AzureMlService]:
    """One service for all tests that need no configuration of their own, reset for each test."""
    shared_service.control.reset()
    yield shared_service
    shared_service.control.reset()


@pytest.fixture
def api(service: AzureMlService) -> Iterator[Api]:
    api = Api(service)
    yield api
    api.session.close()


@pytest.fixture
def start_service(tmp_path: Path, shared_service: AzureMlService) -> Iterator[StartService]:
    """Starts services with changed configuration in ``tmp_path/state``. The keys are copied: making them is slow."""
    running: list[AzureMlService] = []
    shutil.copytree(shared_service.info.ca_bundle.parent, tmp_path / "state" / "identities")

    def start(**changes: Any) -> AzureMlService:
        service = AzureMlService(sample_config(tmp_path / "state", **changes)).start()
        running.append(service)
        return service

    yield start
    for service in running:
        service.stop()


@pytest.fixture
def api_of() -> Iterator[Callable[..., Api]]:
    opened: list[Api] = []

    def make(service: AzureMlService, principal: str = "runner") -> Api:
        opened.append(Api(service, principal))
        return opened[-1]

    yield make
    for api in opened:
        api.session.close()
