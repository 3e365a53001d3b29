"""An upload that is ignored leaves a line in the log, and counts."""

import logging
from typing import Any

import pytest

import activities.ignore_upload
from activities.ignore_upload import bp
from batch.names import IGNORE_UPLOAD
from batch.run.steps import IgnoreUpload, UploadIgnored
from tests.task_hub.task_hub import TaskHub
from tests.triggers.functions import functions

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

_FUNCTION = functions(bp)[IGNORE_UPLOAD]


async def test_one_line_and_one_count(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counted: list[tuple[str, str]] = []

    async def count(client: Any, reason: str, what: str) -> None:
        counted.append((reason, what))

    monkeypatch.setattr(activities.ignore_upload, "count_ignored", count)
    caplog.set_level(logging.INFO)
    hub = TaskHub([])
    upload = IgnoreUpload(container="data", blob="in/a b.csv", reason="late")
    with hub.served():
        answer = await _FUNCTION(value=upload.to_json(), client=hub.binding)
    assert UploadIgnored.from_json(answer) == UploadIgnored(ignored="late")
    assert answer == {"ignored": "late"}
    assert counted == [("late", "data/in/a b.csv")]
    lines = [line for line in caplog.messages if line.startswith("upload_ignored")]
    assert lines == ['upload_ignored blob="data/in/a b.csv" reason=late']
