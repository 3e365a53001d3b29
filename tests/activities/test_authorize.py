"""A token request that hangs holds up neither the event loop nor the worker's own threads."""

import asyncio
import threading
from typing import Any

import pytest

from activities import authorize
from batch.errors import ErrorCode, RunError


@pytest.fixture(autouse=True)
def endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorize, "app_settings", lambda: type("Settings", (), {"ml_audience": "ml"}))


def function() -> Any:
    """As the worker calls it."""
    [builder] = authorize.bp._function_builders
    return builder._function.get_user_function()


async def test_it_waits_in_a_thread_for_calls_of_azure_ml(monkeypatch: pytest.MonkeyPatch) -> None:
    all_wait, threads = threading.Barrier(21), set()

    def whoami(audience: str) -> dict[str, str]:
        threads.add(threading.current_thread().name)
        all_wait.wait(10)
        return {"client_id": audience}

    monkeypatch.setattr(authorize, "whoami", whoami)
    waiting = [asyncio.ensure_future(function()({})) for _ in range(20)]
    await asyncio.to_thread(all_wait.wait, 10)
    answers = await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert [answer["identity"] for answer in answers] == [{"client_id": "ml"}] * 20
    assert len(threads) == 20
    assert all(name.startswith("azure-ml") for name in threads)


async def test_an_error_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def whoami(audience: str) -> dict[str, str]:
        raise RunError(ErrorCode.TOKEN_UNAVAILABLE, "No token.")

    monkeypatch.setattr(authorize, "whoami", whoami)
    assert (await function()({}))["error"]["code"] == "token_unavailable"
