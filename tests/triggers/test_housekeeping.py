"""What the timers do besides the work of task_hub: schedules that the settings do not have are forgotten."""

from datetime import timedelta

import pytest

from batch.new_data.settings import NewData
from ledger.schedules import find_decided
from tests.batch.builders import START
from tests.batch.new_data.schedules import schedule
from tests.ledger.counting_table import CountingTable
from tests.task_hub.task_hub import TaskHub
from tests.triggers.functions import functions
from triggers import housekeeping

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

PURGE_HISTORY = functions(housekeeping.bp)["purge_history"]


@pytest.mark.parametrize("failing", [set(), {"GET"}])
async def test_the_purge_forgets_schedules_that_were_removed(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch, failing: set[str]
) -> None:
    """Also if the task hub does not answer: one part that fails does not stop the others."""
    later = START + timedelta(days=30)
    for name in ("nightly", "removed"):
        await find_decided(table, name, START)
    monkeypatch.setattr(housekeeping, "new_data", lambda: NewData("", (), (schedule(),)))
    hub = TaskHub([])
    hub.failing |= failing
    with hub.served():
        await PURGE_HISTORY(timer=None, client=hub.binding)
    assert (await find_decided(table, "nightly", later)).until == START
    assert (await find_decided(table, "removed", later)).until == later
