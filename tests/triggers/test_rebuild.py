"""The command that rebuilds the ledger, over HTTP. What a part does: tests of the task hub."""

import json
from typing import Any

import azure.functions as func
import pytest

from batch.errors import ErrorCode, RunError
from task_hub.rebuild import Rebuilt
from tests.triggers.functions import functions
from triggers import rebuild

FUNCTIONS = functions(rebuild.bp)
BINDING = '{"taskHubName": "h", "creationUrls": {}, "managementUrls": {"id": "INSTANCEID"}}'


async def post(**params: str) -> tuple[int, Any]:
    request = func.HttpRequest(
        method="POST", url="https://app/api/ledger/rebuild", params=params, route_params={}, body=b""
    )
    answer = await FUNCTIONS["rebuild_ledger"](req=request, client=BINDING)
    return answer.status_code, json.loads(answer.get_body())


async def test_each_answer_leads_to_the_next_part_whatever_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = ["dGVzdA== ", "é;+/ ", None]
    asked = []

    async def part(client: Any, token: str | None) -> Rebuilt:
        asked.append(token)
        return Rebuilt(instances=200, added=2, continuation=tokens[len(asked) - 1])

    monkeypatch.setattr(rebuild, "rebuild_part", part)
    status, body = await post()
    while body["continuation"]:
        assert (status, body["instances"], body["added"]) == (200, 200, 2)
        status, body = await post(continuation=body["continuation"])
    assert asked == [None, *tokens[:-1]]


async def test_a_task_hub_or_ledger_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def part(client: Any, token: str | None) -> Rebuilt:
        raise RunError(ErrorCode.SERVICE_UNAVAILABLE, "The table says no.", retryable=True)

    monkeypatch.setattr(rebuild, "rebuild_part", part)
    status, body = await post()
    assert (status, body["detail"]) == (503, "The table says no.")


async def test_a_made_up_continuation_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "rebuild_part", None)
    status, body = await post(continuation="made-up")
    assert (status, body["detail"]) == (400, "continuation: was not given by a part of this rebuild")
