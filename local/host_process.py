"""The local Functions host as a separate process, so that it can be killed like the real one."""

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from client.command_line import CommandFailed
from functions_host.ready import READY
from local.last_lines import last_lines

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT = 60.0
STOP_LIMIT = 20.0


class HostDidNotStart(CommandFailed):
    """The text ends with the last lines that the host printed."""


class HostProcess:
    """Runs inside its ``with`` block, except between a ``stop`` or ``kill`` and the next ``start``.

    ``log`` collects what the host prints, over all its starts. ``port`` 0 takes a free one. ``clock`` is the file
    of a steered clock; without it durable time is the machine's.
    """

    def __init__(
        self,
        *,
        store: Path,
        log: Path,
        environment: Mapping[str, str],
        port: int = 0,
        app_dir: Path = ROOT,
        clock: Path | None = None,
    ) -> None:
        self.store = store
        self.log = log
        self.port = port
        self.url = ""
        self._app_dir = app_dir
        self._clock = clock
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._running = ExitStack()

    def start(self, *options: str) -> None:
        """Returns when the host answers; ``options`` are added to its command line. Raises HostDidNotStart."""
        command = [sys.executable, "-m", "functions_host", "--app", str(self._app_dir)]
        command += ["--store", str(self.store), "--port", str(self.port), "--end-with-stdin"]
        command += ["--clock", str(self._clock)] if self._clock else []
        command += options
        already_logged = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command,
                cwd=ROOT,
                env=dict(self._environment),
                # Closes however this process ends, and ends the host: nothing else would stop it.
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C must not reach the host: the command may still need it, to cancel a run.
                process_group=0,
            )
        try:
            self.url = self._wait_until_ready(self._process, already_logged)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Sends SIGTERM; kills the host if it does not end."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_LIMIT)
        self.kill()

    def kill(self) -> None:
        """Sends SIGKILL: the host cannot clean up."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()

    def wait_for_end(self, limit: float) -> None:
        """Returns when the host has ended by itself. Raises subprocess.TimeoutExpired after ``limit`` seconds."""
        assert self._process is not None
        self._process.wait(limit)
        self.kill()

    def exit_report(self) -> str:
        """How the host ended by itself, and what it printed last; empty while it runs."""
        code = self._process.poll() if self._process else None
        if code is None:
            return ""
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        return f"The Functions host {how}. {self.log} ends with:\n{last_lines(self.log)}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            if not self.port:
                self.port = starting.enter_context(_reserved_port())
            starting.callback(self.stop)
            self.start()
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _wait_until_ready(self, process: subprocess.Popen[bytes], offset: int) -> str:
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            printed = self.log.read_bytes()[offset:].decode(errors="replace")
            if ready := re.search(rf"^{READY} (\S+)$", printed, re.MULTILINE):
                return ready[1]
            if process.poll() is not None:
                break
            time.sleep(0.05)
        raise HostDidNotStart(
            f"The Functions host did not start. {self.log} ends with:\n{last_lines(self.log, offset)}"
        )


@contextmanager
def _reserved_port() -> Iterator[int]:
    """A port that stays reserved for the host while the host is down.

    Each start needs the same one: clients and resumed work know the address.
    """
    with socket.socket() as reservation:
        # Bound, but not listening: another socket with this option can listen on the port.
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.bind(("127.0.0.1", 0))
        yield reservation.getsockname()[1]
