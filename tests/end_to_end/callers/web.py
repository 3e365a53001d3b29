"""What Data Factory's Web activity and Logic Apps' HTTP action do with a URL, as Microsoft documents them."""

import time
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.end_to_end.harness import TIME_SCALE
from tests.waiting import LIMIT


class Failed(Exception):
    """The activity failed, and with it the pipeline."""


@dataclass(slots=True)
class Web:
    """``calls`` are the answers so far; ``replaced`` maps placeholders of a sample to what stands for them."""

    replaced: dict[str, str]
    calls: list[requests.Response] = field(default_factory=list)

    def call(
        self, method: str, url: str, headers: dict[str, str] | None, body: Any, *, follows: bool
    ) -> dict[str, Any]:
        """The JSON of the last answer. Raises Failed unless it is a success.

        ``follows``: after a 202 it reads the Location until the answer is another one, and waits as the answer asks.
        """
        for placeholder, actual in self.replaced.items():
            url = url.replace(placeholder, actual)
        answer = self._send(method, url, headers=headers, json=body)
        until = time.monotonic() + LIMIT
        while follows and answer.status_code == 202 and "Location" in answer.headers:
            assert time.monotonic() < until, f"{url} is still answered 202"
            pause(float(answer.headers["Retry-After"]))
            answer = self._send("GET", answer.headers["Location"])
        if not answer.ok:
            raise Failed(f"{answer.status_code}: {answer.text}")
        output: dict[str, Any] = answer.json()
        return output

    def _send(self, method: str, url: str, **request: Any) -> requests.Response:
        answer = requests.request(method, url, timeout=60, **request)
        self.calls.append(answer)
        return answer


def pause(seconds: float) -> None:
    """In the durable time of the machine."""
    time.sleep(seconds / TIME_SCALE)
