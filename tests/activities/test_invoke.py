"""A claim that is no longer valid when the request could be sent: nothing is sent."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from activities import invoke
from batch.azure_ml import rest
from batch.errors import RunError
from batch.run.submission import CLAIM_LIFETIME, Submission
from batch.timestamps import format_timestamp
from task_hub.submissions import Claimed
from tests.batch.builders import START, request, settings

ATTEMPT = "0" * 32
CLAIM = Claimed(ATTEMPT, Submission().claim(ATTEMPT, format_timestamp(START), None))


class SlowIdentity:
    """The clock of the test, and an identity service that takes ``seconds`` for the first token."""

    def __init__(self, seconds: float) -> None:
        self.time = START
        self._pauses = [timedelta(seconds=seconds)]

    def now(self, zone: object) -> datetime:
        return self.time

    def bearer_token(self, audience: str) -> str:
        self.time += self._pauses.pop() if self._pauses else timedelta(0)
        return "a-token"


@pytest.mark.parametrize(("left", "is_sent"), [(1, True), (0, False)])
def test_a_token_that_comes_late_uses_up_the_claim(
    left: int, is_sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, sent = settings(), []
    lifetime = CLAIM_LIFETIME * app.submission_settle.total_seconds()
    identity = SlowIdentity(lifetime - left)
    monkeypatch.setattr(invoke, "datetime", identity)
    monkeypatch.setattr(invoke, "bearer_token", identity.bearer_token)
    monkeypatch.setattr(rest, "bearer_token", identity.bearer_token)
    monkeypatch.setattr(invoke, "app_settings", lambda: app)

    def send(*_: Any, **__: Any) -> None:
        sent.append(identity.time)
        raise OSError("It is down.")

    monkeypatch.setattr(rest, "send", send)
    with pytest.raises(RunError) as error:
        invoke._post_in_time("r-1", request(), CLAIM)
    assert bool(sent) is is_sent
    assert ("claim took too long" in error.value.message) is not is_sent
