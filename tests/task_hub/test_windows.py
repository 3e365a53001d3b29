"""The start of a window: one of several deliveries of an event makes it, and none that comes to it late."""

from datetime import timedelta

import pytest

from batch.errors import RunError
from batch.new_data.upload import FolderUpload
from task_hub.windows import start_window
from tests.batch.builders import request
from tests.ledger.runs import of_folder
from tests.task_hub.task_hub import TaskHub

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")


def upload() -> FolderUpload:
    source = of_folder("incoming", "2026/").source
    assert source
    return FolderUpload(
        run_id="r-1",
        window_key="key",
        request=request(),
        source=source,
        quiet_seconds=60,
        longest_wait_seconds=600,
    )


async def test_the_first_delivery_starts_the_window() -> None:
    hub = TaskHub([])
    with hub.served() as client:
        for _ in range(2):
            await start_window(client, upload())
    assert hub.started == ["window-r-1"]


async def test_a_delivery_whose_answers_come_late_does_not_start_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another one may take the start by then. Event Grid delivers the event again after the error."""
    monkeypatch.setattr("task_hub.windows.STARTS_FOR", timedelta(seconds=-1))
    monkeypatch.setattr("task_hub.windows._LOOKS", 1)
    hub = TaskHub([])
    with hub.served() as client, pytest.raises(RunError, match="Another delivery"):
        await start_window(client, upload())
    assert hub.started == []
