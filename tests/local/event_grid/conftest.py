import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.event_grid import EventGrid
from local.host_process import HostProcess
from packages.functions_host.tests.seen import seen, seen_file
from tests.local.event_grid.receiver import Receiver

__all__ = ["seen", "seen_file"]

EVENTS_APP = Path(__file__).parents[3] / "packages/functions_host/tests/apps/events"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def grid() -> Iterator[EventGrid]:
    """A second of Event Grid is a millisecond here."""
    with EventGrid(time_scale=1000) as grid:
        yield grid


@pytest.fixture(scope="module")
def host(seen_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    """A Functions host whose functions record the events that they get."""
    folder = tmp_path_factory.mktemp("host")
    environment = {**os.environ, "SEEN": str(seen_file), "TICKS": "0 0 0 1 1 *"}
    with HostProcess(
        store=folder / "hub.db", log=folder / "host.log", environment=environment, app_dir=EVENTS_APP
    ) as host:
        yield host


@pytest.fixture
def hook(host: HostProcess) -> Callable[[str], str]:
    return lambda function: f"{host.url}/runtime/webhooks/eventgrid?functionName={function}"
