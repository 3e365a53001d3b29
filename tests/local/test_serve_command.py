"""``make serve``: what it prints, what it refuses, and what ends together."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.host_process import ROOT
from local.instance_lock import InUse, check_ports
from tests.end_to_end.harness import App, wait_for
from tests.local.processes import child_of, end_of, lines_until, started

LAST_LINE = "Ctrl-C stops everything"


def free_port() -> int:
    """A free port; the ports of Azure ML, the topic and the receiver after it are free too."""
    for port in range(20_000 + os.getpid() % 10_000, 60_000, 20):
        try:
            check_ports(port, *range(port + 10, port + 18))
        except InUse:
            continue
        return port
    raise AssertionError("no ports are free")


def command(port: int, state: Path) -> list[str]:
    return ["-m", "local", "serve", "--port", str(port), "--state", str(state)]


@contextmanager
def serving(port: int, state: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The process and what it printed, once it is ready."""
    with started(*command(port, state), limit=600.0) as process:
        yield process, "".join(lines_until(process.stdout, LAST_LINE))


def refusal(port: int, state: Path) -> str:
    with started(*command(port, state)) as process:
        code, output, errors = end_of(process)
    assert (code, output) == (1, "")
    assert "Errno" not in errors and "Traceback" not in errors
    return errors


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path, str]]:
    port, state = free_port(), tmp_path_factory.mktemp("serve")
    with serving(port, state) as (_, printed):
        yield port, state, printed


def test_the_printed_commands_pasted_together_start_a_run_that_completes(
    served: tuple[int, Path, str],
) -> None:
    port, _, printed = served
    copied = "\n".join(re.findall(r"^  (?!cp )(.*)$", printed, re.MULTILINE))
    subprocess.run(["bash", "-euc", copied], capture_output=True, check=True, timeout=60)
    app = App(f"http://127.0.0.1:{port}")

    assert f"-X POST {app.url}/api/batch-runs/another/cancel" in copied
    assert app.wait_for_end("first")["phase"] == "Completed"


def test_the_path_of_job_logs_is_printed(served: tuple[int, Path, str]) -> None:
    port, _, printed = served
    app = App(f"http://127.0.0.1:{port}")
    job = app.wait_for_end(app.start())["job"]["name"]
    place = re.search(r"^What the scoring script of each job prints is in (/.*)\.$", printed, re.MULTILINE)

    assert place
    assert "scored 4 of 4 files" in Path(place[1].replace("*", job)).read_text()


def test_the_end_of_a_run_is_told_to_a_receiver_of_this_machine(served: tuple[int, Path, str]) -> None:
    port, state, printed = served
    app = App(f"http://127.0.0.1:{port}")
    run_id = app.start()
    assert f"and a file in {state}/notifications." in printed
    [file] = wait_for(
        "the file of its event", lambda: list((state / "notifications").glob(f"{run_id}-*.json"))
    )
    event = json.loads(file.read_text())
    assert (event["type"], event["subject"]) == ("BatchEndpointRun.Completed", run_id)


def test_a_second_make_serve_names_the_first(served: tuple[int, Path, str]) -> None:
    _, state, _ = served
    assert refusal(free_port(), state) == (
        f"Another make serve seems to be running: it uses {state}. Stop it first.\n"
    )


def test_a_port_in_use_is_named_and_another_one_offered(tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        reason = refusal(port, tmp_path / "state")
    assert f"port {port} of 127.0.0.1" in reason
    assert f"make serve PORT={port + 100}" in reason


@pytest.mark.parametrize("port", ["abc", "0", "70000", "²"])
def test_what_is_no_port_is_named(port: str, tmp_path: Path) -> None:
    with started("-m", "local", "serve", "--port", port) as process:
        code, _, errors = end_of(process)
    assert (code, errors.splitlines()[-1].partition("argument ")[2]) == (
        2,
        f"--port: {port} is not a port from 1 to 65518",
    )


def test_make_passes_the_port_on() -> None:
    said = subprocess.run(
        ["make", "--no-print-directory", "-n", "-o", ".venv/.installed", "serve", "PORT=7072"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.endswith("-m local serve --port='7072'\n")


def test_it_ends_with_its_host_and_its_host_with_it(tmp_path: Path) -> None:
    port, state = free_port(), tmp_path / "state"

    def is_free() -> bool:
        try:
            check_ports(port)
        except InUse:
            return False
        return True

    with serving(port, state) as (process, _):
        process.kill()
        wait_for("end of the host whose parent was killed", is_free)
    with serving(port, state) as (process, _):
        os.kill(child_of(process.pid, "functions_host"), signal.SIGKILL)
        code, _, errors = end_of(process)
        assert code == 1
        assert errors.startswith(f"The Functions host was ended by SIGKILL. {state}/host.log ends with:\n")
        assert f"Host ready: http://127.0.0.1:{port}\n" in errors
    with serving(port, state) as (process, _):
        process.send_signal(signal.SIGINT)
        assert end_of(process) == (0, "", "")
