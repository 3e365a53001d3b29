"""A small client of the control API (see ``local/README.md``), for tests and tools in any process."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

JsonObject = dict[str, Any]
_PAUSE = 0.01


class ControlClient:
    """Every call raises RuntimeError with the service's message if it is refused."""

    def __init__(self, control_url: str) -> None:
        self._url = control_url

    def fault(self, operation: str, action: str, **fields: Any) -> str:
        """Adds a fault; returns its id."""
        return str(self._send("POST", "/faults", {"operation": operation, "action": action, **fields})["id"])

    def get_fault(self, fault_id: str) -> JsonObject:
        return dict(self._send("GET", f"/faults/{fault_id}"))

    def remove_fault(self, fault_id: str, discard: bool = False) -> None:
        """Held requests continue. With ``discard`` they are cut; those held "before" have no effect."""
        self._send("DELETE", f"/faults/{fault_id}{'?discard=true' if discard else ''}")

    @contextmanager
    def gate(
        self, operation: str, when: str = "before", discard: bool = False, **fields: Any
    ) -> Iterator[str]:
        """Holds the requests of an operation until the block ends. Yields the fault's id."""
        fault_id = self.fault(operation, "hold", when=when, **fields)
        try:
            yield fault_id
        finally:
            self.remove_fault(fault_id, discard)

    def wait_at_gate(self, fault_id: str, count: int = 1, limit: float = 10.0) -> None:
        """Returns once the fault holds ``count`` requests; TimeoutError after ``limit`` seconds."""
        self._wait(
            lambda: self.get_fault(fault_id)["waiting"] >= count, f"{count} waiting at {fault_id}", limit
        )

    def hold(self, phase: str, job: str | None = None) -> str:
        return str(self._send("POST", "/holds", {"phase": phase, "job": job})["id"])

    def release(self, hold_id: str) -> None:
        self._send("DELETE", f"/holds/{hold_id}")

    def jobs(self) -> list[JsonObject]:
        return list(self._send("GET", "/jobs"))

    def job(self, name: str) -> JsonObject:
        return dict(self._send("GET", f"/jobs/{name}"))

    def show_status(self, name: str, status: str | None, **error: str) -> JsonObject:
        """``error`` and ``error_code``: what run history says of a job that is to fail."""
        return dict(self._send("PUT", f"/jobs/{name}/status", {"status": status, **error}))

    def wait_for_status(self, name: str, status: str, limit: float = 10.0) -> JsonObject:
        """Returns the job once it shows ``status``; TimeoutError after ``limit`` seconds."""
        self._wait(lambda: self.job(name)["visible_status"] == status, f"{name} {status}", limit)
        return self.job(name)

    def requests(self, operation: str | None = None) -> list[JsonObject]:
        query = f"?operation={operation}" if operation else ""
        return list(self._send("GET", f"/requests{query}"))

    def counters(self) -> JsonObject:
        return dict(self._send("GET", "/counters"))

    def reset(self) -> None:
        """No faults, no holds, an empty request log. Jobs stay."""
        for path in ("/faults", "/holds", "/requests"):
            self._send("DELETE", path)

    # The service's JSON has as many shapes as paths; callers index it as they need.
    def _send(self, method: str, path: str, body: JsonObject | None = None) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, self._url + path, json=body, timeout=30)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    @staticmethod
    def _wait(condition: Callable[[], bool], what: str, limit: float) -> None:
        deadline = time.monotonic() + limit
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {limit} s: {what}")
            time.sleep(_PAUSE)
