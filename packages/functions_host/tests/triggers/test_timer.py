"""Timer triggers of a real host: on time, at startup, past due, by hand."""

import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

NEVER = "0 0 0 1 1 *"
StartHost = Callable[..., Any]


@pytest.fixture
def seen_file(tmp_path: Path) -> Path:
    return tmp_path / "seen.jsonl"


@pytest.fixture
def started(start_host: StartHost, seen_file: Path, tmp_path: Path) -> Callable[..., Any]:
    def start(ticks: str = NEVER) -> Any:
        return start_host("events", store=tmp_path / "hub.db", SEEN=str(seen_file), TICKS=ticks)

    return start


def test_timers_run_on_time_at_startup_and_by_hand(started: Any, seen: Any) -> None:
    host = started("* * * * * *")
    host.until(lambda: len(seen("ticking")) >= 2, "two ticks")
    assert seen("ticking")[0] == {"by": "ticking", "past_due": False, "status": {}}

    host.until(lambda: seen("daily"), "the run at startup")
    assert len(seen("daily")) == 1
    assert not seen("daily")[0]["past_due"]
    assert "T04:00:00" in seen("daily")[0]["status"]["Next"]

    assert seen("yearly") == []
    assert host.call("POST", "/admin/functions/yearly", json={}).status_code == 202
    [noted] = host.until(lambda: seen("yearly"), "the run by hand")
    status = {key: datetime.fromisoformat(text) for key, text in noted["status"].items()}
    assert status.keys() == {"Last", "LastUpdated", "Next"}
    assert status["Last"] < datetime.now(UTC) < status["Next"]

    assert host.call("POST", "/admin/functions/unmonitored", json={"input": "x"}).status_code == 202
    host.until(lambda: "this timer always fails" in host.log(), "the reason in the log")
    assert seen("unmonitored") == [{"by": "unmonitored", "past_due": False, "status": {}}]
    assert host.stop() == 0
    assert "Traceback (most" not in host.log().replace("unmonitored failed: Traceback (most", "")


def test_what_was_missed_runs_once_and_past_due_after_a_restart(
    started: Any, seen: Any, tmp_path: Path
) -> None:
    host = started()
    statuses = tmp_path / "hub.timers.json"
    host.until(lambda: seen("daily"), "the run at startup")
    host.until(
        lambda: statuses.exists() and len(json.loads(statuses.read_text())) == 3, "the record of each timer"
    )
    host.stop(9)
    document = json.loads(statuses.read_text())
    assert document.keys() == {"ticking", "daily", "yearly"}
    long_ago = (datetime.now(UTC) - timedelta(days=800)).isoformat()
    document["yearly"] = {"Last": long_ago, "Next": long_ago}
    statuses.write_text(json.dumps(document))

    again = started()
    [missed] = again.until(lambda: seen("yearly"), "the missed run")
    assert missed["past_due"] is True
    assert missed["status"]["Last"] == long_ago
    again.until(lambda: len(seen("daily")) == 2, "the run at startup")
    again.stop()

    started().until(lambda: len(seen("daily")) == 3, "the run at startup")
    assert len(seen("yearly")) == 1


def test_a_status_file_that_cannot_be_read_is_reported_and_replaced(
    started: Any, seen: Any, tmp_path: Path
) -> None:
    statuses = tmp_path / "hub.timers.json"
    statuses.write_text("{")
    host = started()
    host.until(lambda: seen("daily"), "the run at startup")
    assert f"{statuses} is not readable" in host.log()
    host.until(lambda: "yearly" in json.loads(statuses.read_text()), "the file")


def test_a_status_file_that_cannot_be_written_stops_no_timer(started: Any, seen: Any, tmp_path: Path) -> None:
    (tmp_path / "hub.timers.json.new").mkdir()
    host = started("* * * * * *")
    host.until(lambda: seen("daily") and len(seen("ticking")) > 1, "the runs")
    assert "hub.timers.json cannot be written" in host.log()
    assert "has stopped" not in host.log()


@pytest.mark.parametrize(
    ("ticks", "reason"),
    [
        (
            "every now and then",
            "The schedule of function ticking is wrong: 'every now and then' is not an NCRONTAB",
        ),
        (None, "'%TICKS%' refers to the setting TICKS, which is not set."),
    ],
)
def test_an_app_with_a_wrong_schedule_does_not_start(
    host_command: Any, tmp_path: Path, ticks: str | None, reason: str
) -> None:
    environment = {**os.environ, "SEEN": str(tmp_path / "seen")} | ({"TICKS": ticks} if ticks else {})
    command = host_command("events", tmp_path / "hub.db")
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env=environment)
    assert ended.returncode == 1
    assert reason in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
