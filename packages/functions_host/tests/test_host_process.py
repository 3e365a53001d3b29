"""The host as a process: start, refusals, stop, kill; and the host inside another program."""

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from functions_host.durable.steered_clock import ClockFile
from packages.functions_host.tests.conftest import LIMIT_SECONDS

Command = Callable[..., list[str]]
StartHost = Callable[..., Any]
VISIBILITY_TIMEOUT = 300
"""Seconds; the default, which the apps here do not change."""


def refusal(command: list[str]) -> str:
    """The single line that a host writes when it cannot start."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    return ended.stderr


def test_a_port_in_use_is_reported(host_command: Command, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        reason = refusal([*host_command("features", tmp_path / "hub.db"), "--port", str(port)])
    assert f"Cannot listen on 127.0.0.1:{port}" in reason
    assert "--port" in reason


def test_a_store_in_use_is_reported(start_host: StartHost, host_command: Command, tmp_path: Path) -> None:
    store = tmp_path / "hub.db"
    start_host("features", store=store)
    reason = refusal(host_command("features", store))
    assert "in use by another process" in reason
    assert str(store) in reason


def test_a_folder_that_is_not_an_app_is_reported(host_command: Command, tmp_path: Path) -> None:
    assert "has no host.json" in refusal(host_command(tmp_path, tmp_path / "hub.db"))


def test_a_file_that_is_not_a_store_is_reported(host_command: Command, tmp_path: Path) -> None:
    store = tmp_path / "hub.db"
    store.write_text("this is not a database, but a text that someone wants to keep\n" * 20)
    reason = refusal(host_command("features", store))
    assert f"Cannot open {store}" in reason
    assert store.read_text().startswith("this is not a database")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_host_with_code_0(start_host: StartHost, number: int) -> None:
    host = start_host("features")
    host.call("GET", "/admin/host/status")
    host.run("asks_the_client")
    assert host.stop(number) == 0
    assert "Unclosed" not in host.log()
    assert "Traceback" not in host.log()


def test_the_host_ends_with_its_parent(host_command: Command, tmp_path: Path) -> None:
    command = [*host_command("features", tmp_path / "hub.db"), "--end-with-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdin is not None and process.stdout is not None
            assert any(line.startswith("Host ready:") for line in process.stdout)
            process.stdin.close()
            assert process.wait(LIMIT_SECONDS) == 1
        finally:
            process.kill()


def test_a_running_function_does_not_delay_the_stop(start_host: StartHost, tmp_path: Path) -> None:
    store = tmp_path / "hub.db"
    host = start_host("features", store=store)
    instance_id = host.start("blocking")
    host.until(lambda: host.call("GET", "/api/calls/blocked").text == "1", "the activity")
    assert host.stop() == 0
    again = start_host("features", store=store, UNBLOCKED="1")
    assert again.ended(instance_id)["output"] == "unblocked"


def test_nothing_is_lost_when_the_host_is_killed(start_host: StartHost, tmp_path: Path) -> None:
    store, clock = tmp_path / "hub.db", ClockFile(tmp_path / "clock")
    host = start_host("features", "--clock", str(clock.path), store=store)
    timer = host.start("sleeping", 500)
    event = host.start("waiting")
    many = [host.start("fan_out", 20) for _ in range(5)]
    host.durable("POST", "entities/Counter/survivor?op=add", json="3")
    assert host.stop(signal.SIGKILL) == -signal.SIGKILL
    again = start_host("features", "--clock", str(clock.path), store=store)
    clock.skip(VISIBILITY_TIMEOUT)
    again.durable("POST", f"instances/{event}/raiseEvent/approval", json="late")
    assert again.ended(event)["output"] == "late"
    assert again.ended(timer)["runtimeStatus"] == "Completed"
    assert [again.ended(instance)["output"] for instance in many] == [list(range(20))] * 5
    again.until(lambda: again.durable("GET", "entities/Counter/survivor").text == "3", "the entity")


def test_a_kill_between_history_and_row_loses_only_the_custom_status(
    start_host: StartHost, tmp_path: Path
) -> None:
    store, clock = tmp_path / "hub.db", ClockFile(tmp_path / "clock")
    host = start_host("features", "--clock", str(clock.path), "--kill-before-row", "2", store=store)
    host.start("waiting", instance_id="killed")
    host.until(lambda: host.status("killed").get("customStatus"), "custom status")
    with contextlib.suppress(requests.ConnectionError):  # The answer may be lost with the host.
        host.durable("POST", "instances/killed/raiseEvent/approval", json="yes")
    assert host.process.wait(LIMIT_SECONDS) == -signal.SIGKILL

    again = start_host("features", "--clock", str(clock.path), store=store)
    assert again.status("killed")["runtimeStatus"] == "Running"
    clock.skip(VISIBILITY_TIMEOUT)
    ended = again.ended("killed")

    assert (ended["runtimeStatus"], ended["output"]) == ("Completed", "yes")
    assert ended["customStatus"] == {"waiting": "approval"}


def test_the_custom_status_of_the_first_episode_is_lost_if_the_host_is_killed_before_the_row(
    start_host: StartHost, tmp_path: Path
) -> None:
    store, clock = tmp_path / "hub.db", ClockFile(tmp_path / "clock")
    host = start_host("features", "--clock", str(clock.path), "--kill-before-row", "1", store=store)
    with contextlib.suppress(requests.ConnectionError):
        host.start("waiting", instance_id="killed")
    assert host.process.wait(LIMIT_SECONDS) == -signal.SIGKILL

    again = start_host("features", "--clock", str(clock.path), store=store)
    status = again.status("killed")
    assert (status["runtimeStatus"], status["customStatus"]) == ("Pending", None)
    again.durable("POST", "instances/killed/raiseEvent/approval", json="yes")
    assert again.ended("killed")["customStatus"] == {"waiting": "approval"}


def test_the_environment_overrides_local_settings(start_host: StartHost) -> None:
    host = start_host("features", FEATURES_HUB="OtherHub")
    assert "taskHub=OtherHub" in host.call("GET", "/api/payload/x").json()["statusQueryGetUri"]


def test_verbose_adds_the_log_of_host_and_worker(start_host: StartHost) -> None:
    host = start_host("features", "--verbose")
    host.run("chain")
    assert "greet succeeded in" in host.log()
    assert "Function name: greet" in host.log()


_IN_PROCESS = """
import asyncio, sys
from pathlib import Path
import aiohttp
from functions_host.durable.clock import VirtualClock
from functions_host.host import FunctionsHost

async def main(app, store):
    host = FunctionsHost(Path(app), Path(store), port=0, clock=VirtualClock())
    for _ in range(2):
        async with host, aiohttp.ClientSession() as session:
            query = "timeout=10&pollingInterval=0.01"
            url = f"{host.url}/runtime/webhooks/durabletask/orchestrators/sleeping?{query}"
            async with session.post(url, data=chr(34) + "3600000" + chr(34)) as answer:
                print(answer.status, await answer.text())
    try:
        await FunctionsHost(Path(app).parent / "http", Path(store), port=0).start()
    except RuntimeError as error:
        print(error)

asyncio.run(main(*sys.argv[1:]))
"""


def test_in_process_twice_with_a_virtual_clock(tmp_path: Path) -> None:
    app = Path(__file__).parent / "apps" / "features"
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", _IN_PROCESS, str(app), str(tmp_path / "hub.db")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    first, second, other_app = ended.stdout.splitlines() or [ended.stderr]
    assert (first, second) == ("200 3600.0", "200 3600.0")
    assert other_app.startswith(f"This process has loaded the app in {app}; start another for ")
    assert ended.returncode == 0
