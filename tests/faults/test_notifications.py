"""Each end is told at least once, whatever goes wrong at any operation and whoever comes in between."""

from collections.abc import Iterator

import pytest

from batch.names import NOTIFICATION
from batch.notification.settings import notification_settings
from batch.run.notification import Receiver
from tests.faults.plan import Fault
from tests.faults.walk import MakeWorld, Scenario, walk, walk_gaps
from tests.faults.world import World

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")


@pytest.fixture(autouse=True)
def receivers(settings: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NOTIFICATION_TOPIC", "https://runs.westeurope-1.eventgrid.azure.net/api/events")
    monkeypatch.setenv("NOTIFICATION_URL", "https://example.com/hook?code=S3cr3tMarker")
    notification_settings.cache_clear()
    yield
    notification_settings.cache_clear()


async def is_told(world: World) -> None:
    """Housekeeping starts what is left; then an orchestration for each receiver is there, and no note."""
    await world.settle()
    await world.housekeeping()
    with world.faults.paused():
        await world.housekeeping()
    told = [one for one in world.hub.instances.values() if one["name"] == NOTIFICATION]
    ids = {one["instanceId"] for one in told}
    assert sorted(instance_id.split(":")[1] for instance_id in ids) == sorted(Receiver)
    assert ids <= set(world.hub.started)
    assert [key for key in world.rows() if key.startswith("notify ")] == []
    for one in told:
        one["runtimeStatus"] = "Completed"


async def completes(world: World) -> None:
    await world.runs()
    world.azure_ml.ends_as = "Completed"
    await is_told(world)
    await world.assert_ended_once("Completed")
    await world.is_purged()


async def is_terminated(world: World) -> None:
    await world.runs()
    world.end_from_outside("Terminated")
    await is_told(world)
    await world.assert_in_ledger("Terminated", "Terminated")
    await world.is_purged()


async def is_terminated_and_listed(world: World) -> None:
    """The list writes the end that the run itself cannot write."""
    await world.runs()
    world.end_from_outside("Terminated")
    world.wait(minutes=2)
    await world.list()
    await is_told(world)
    await world.is_purged()


async def loses_its_orchestration(world: World) -> None:
    await world.runs()
    world.hub.purge("r-1")
    await is_told(world)
    with world.faults.paused():
        await world.purge()
    world.assert_nothing_is_left()


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("scenario", [completes, is_terminated], ids=lambda scenario: scenario.__name__)
async def test_a_run_that(make_world: MakeWorld, scenario: Scenario, fault: Fault) -> None:
    assert await walk(make_world, scenario, fault) >= 8


@pytest.mark.parametrize(
    "fault", [Fault.LOST_AFTER, Fault.KILLED_BEFORE, Fault.KILLED_AFTER], ids=lambda fault: fault.name.lower()
)
@pytest.mark.parametrize(
    "scenario",
    [is_terminated_and_listed, loses_its_orchestration],
    ids=lambda scenario: scenario.__name__,
)
async def test_a_run_whose_end_others_write(make_world: MakeWorld, scenario: Scenario, fault: Fault) -> None:
    assert await walk(make_world, scenario, fault) >= 8


@pytest.mark.parametrize(
    "then",
    [None, Fault.LOST_AFTER, Fault.KILLED_BEFORE, Fault.KILLED_AFTER],
    ids=lambda fault: fault.name.lower() if fault else "answered",
)
async def test_housekeeping_in_each_gap_loses_none(make_world: MakeWorld, then: Fault | None) -> None:
    async def housekeeping(world: World) -> None:
        await world.housekeeping()

    assert await walk_gaps(make_world, completes, housekeeping, then) >= 8


@pytest.mark.parametrize("then", [None, Fault.KILLED_AFTER], ids=["answered", "killed_after"])
async def test_the_last_step_delivered_twice_loses_none(make_world: MakeWorld, then: Fault | None) -> None:
    async def again(world: World) -> None:
        await world.runtime.deliver_again("r-1")

    assert await walk_gaps(make_world, completes, again, then) >= 8
