"""Shared by the end-to-end tests: the app as its callers see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import requests

from local.azure_ml import ControlClient
from local.machine import LocalMachine
from tests.waiting import LIMIT, wait_for

TIME_SCALE = 10.0
"""Durable seconds in a real second, on most machines. Times that a test skips are longer than LIMIT at this scale."""

VISIBILITY_TIMEOUT = 60
"""Seconds of durable time, as in host.json. Messages that a killed host was handling are invisible until then."""

ENDED = frozenset({"Completed", "Failed", "Terminated", "Canceled"})


@dataclass(frozen=True)
class App:
    """Calls the app over HTTP, as any caller does."""

    url: str

    def post(self, body: Any = None, **kwargs: Any) -> requests.Response:
        if body is not None:
            kwargs["json"] = body
        return requests.post(f"{self.url}/api/batch-runs", timeout=60, **kwargs)

    def start(self, **fields: Any) -> str:
        """Starts a run over the sample data, with quick checks; returns its id."""
        request = sample_request(**fields)
        answer = self.post(request)
        assert answer.status_code == 202, answer.text
        return str(request["run_id"])

    def run(self, run_id: str) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/api/batch-runs/{run_id}", timeout=60)
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    def pause(self, run_id: str) -> float | None:
        """Seconds between the run's last check and its next one; None while it checks."""
        view = self.run(run_id)
        last, following = view["last_check_at"], view["next_check_at"]
        if not (last and following):
            return None
        return (datetime.fromisoformat(following) - datetime.fromisoformat(last)).total_seconds()

    def list(self, **params: Any) -> requests.Response:
        return requests.get(f"{self.url}/api/batch-runs", params=params, timeout=60)

    def fire(self, timer: str) -> None:
        """Calls the function of a timer, as an operator does."""
        answer = requests.post(f"{self.url}/admin/functions/{timer}", json={"input": ""}, timeout=30)
        assert answer.status_code == 202, answer.text

    def rules(self) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/api/rules", timeout=60)
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    def cancel(self, run_id: str) -> requests.Response:
        return requests.post(f"{self.url}/api/batch-runs/{run_id}/cancel", timeout=60)

    def durable_status(self, run_id: str, **params: Any) -> dict[str, Any]:
        """The answer of the durable status URL."""
        url = f"{self.url}/runtime/webhooks/durabletask/instances/{run_id}"
        answer = requests.get(url, params=params, timeout=60)
        assert answer.status_code in (200, 202), answer.text
        status: dict[str, Any] = answer.json()
        return status

    def durable_post(self, run_id: str, operation: str) -> None:
        """``terminate``, ``suspend`` or ``resume``, as an operator does it: around the app."""
        url = f"{self.url}/runtime/webhooks/durabletask/instances/{run_id}/{operation}?reason=test"
        answer = requests.post(url, timeout=60)
        assert answer.status_code == 202, answer.text

    def purge(self, run_id: str) -> None:
        """Deletes the orchestration when it has ended."""
        url = f"{self.url}/runtime/webhooks/durabletask/instances/{run_id}"
        wait_for(f"purge of {run_id}", lambda: requests.delete(url, timeout=60).status_code == 200)

    def nudge(self, run_id: str) -> None:
        url = f"{self.url}/runtime/webhooks/durabletask/instances/{run_id}/raiseEvent/nudge"
        assert requests.post(url, json={}, timeout=60).status_code in (202, 410)

    def wait_for_phase(self, run_id: str, *phases: str, limit: float = LIMIT) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            view = self.run(run_id)
            return view if view["phase"] in phases else None

        return wait_for(f"run {run_id} in {phases}", look, limit)

    def wait_for_end(self, run_id: str, limit: float = LIMIT) -> dict[str, Any]:
        """The run's view after the runtime reports its end, too."""

        def look() -> dict[str, Any] | None:
            view = self.run(run_id)
            return view if view["runtime_status"] in ENDED else None

        return wait_for(f"end of run {run_id}", look, limit)


def start_after_kill(machine: LocalMachine) -> None:
    """Starts the host again, and skips the time until the messages of the killed one are visible."""
    machine.host.start()
    machine.clock.skip(VISIBILITY_TIMEOUT)


def jobs_of(control: ControlClient, run_id: str) -> list[str]:
    """The jobs that the run's submissions created."""
    posts = [call for call in control.requests("invoke") if run_id in str(call["body"])]
    return [name for call in posts for name in call["jobs"]]


def sample_request(**fields: Any) -> dict[str, Any]:
    """A request that completes quickly; ``fields`` replace or add, None leaves a field out."""
    request: dict[str, Any] = {
        "run_id": f"test-{uuid4().hex[:12]}",
        "endpoint_input_uri": "azureml://datastores/samples/paths/data/",
        "endpoint_output_uri": "azureml://datastores/workspaceblobstore/paths/{run_id}/predictions.csv",
        "poll_interval": 1,
    }
    return {name: value for name, value in (request | fields).items() if value is not None}
