"""The HTTP of the app, at the edge of its libraries: requests fail, or the app is killed, where the plan says so."""

import importlib
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import requests
import urllib3

from tests.faults.azure_ml import FakeAzureMl, response
from tests.faults.plan import Fault, Faults

_SDK = "azure.durable_functions.models.DurableOrchestrationClient"
_TROUBLE = {"Message": "Something went wrong", "ExceptionMessage": "The storage is not reachable"}


def fail_at_task_hub(monkeypatch: pytest.MonkeyPatch, faults: Callable[[], Faults]) -> None:
    """What the SDK's client asks of the task hub."""
    sdk = importlib.import_module(_SDK)
    for verb in ("get", "post", "delete"):
        name = f"{verb}_async_request"
        monkeypatch.setattr(sdk, name, _faulty(verb, getattr(sdk, name), faults))


def fail_at_sessions(
    monkeypatch: pytest.MonkeyPatch, faults: Callable[[], Faults], azure_ml: Callable[[], FakeAzureMl]
) -> None:
    """What the app asks of Azure ML, and the lists of the task hub, which the SDK's client does not give."""
    send = requests.Session.send

    def faulty(
        session: requests.Session, asked: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        of_hub = (asked.url or "").startswith("http://127.0.0.1:")
        place = "task hub" if of_hub else "Azure ML"
        fault = faults().before_in_thread(f"{place} {asked.method} {(asked.url or '').partition('?')[0]}")
        match fault:
            case Fault.BUSY:
                status = 500 if of_hub else 429
                return response(asked, status, {"error": {"message": "Busy."}}, {"Retry-After": "1"})
            case Fault.BUSY_LONG:
                return response(asked, 503, {"error": {"message": "Busy."}}, {"Retry-After": "600"})
            case Fault.LOST_BEFORE:
                raise _lost()
        answer = send(session, asked, **options) if of_hub else azure_ml().answer(asked)
        faults().after(fault)
        if fault is Fault.LOST_AFTER:
            raise _lost()
        return answer

    monkeypatch.setattr(requests.Session, "send", faulty)


def _faulty(
    verb: str, request: Callable[..., Awaitable[list[Any]]], faults: Callable[[], Faults]
) -> Callable[..., Awaitable[list[Any]]]:
    async def asked(url: str, *arguments: Any, **options: Any) -> list[Any]:
        fault = await faults().before(f"task hub {verb.upper()} {url}")
        match fault:
            case Fault.BUSY:
                return [500, _TROUBLE]
            case Fault.BUSY_LONG:
                return [503, ""]
            case Fault.LOST_BEFORE:
                raise aiohttp.ServerDisconnectedError
        answer = await request(url, *arguments, **options)
        faults().after(fault)
        if fault is Fault.LOST_AFTER:
            raise aiohttp.ServerDisconnectedError
        return answer

    return asked


def _lost() -> requests.ConnectionError:
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted."))
