"""The local topic of Event Grid: who may send to it, and what."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from local.azure_ml import AzureMlService
from tests.local.azure_ml.api import Api

AUDIENCE = "https://eventgrid.azure.net"
EVENT = {"specversion": "1.0", "id": "1", "source": "/app", "type": "Some.Thing"}
BATCH, SINGLE = "application/cloudevents-batch+json", "application/cloudevents+json"


def publish(api: Api, body: Any, *, kind: str = BATCH, audience: str | None = AUDIENCE) -> requests.Response:
    headers = {"Content-Type": f"{kind}; charset=utf-8"}
    if audience:
        headers["Authorization"] = f"Bearer {api.token(audience)}"
    version = {"api-version": "2018-01-01"}
    return api.session.post(api.info.topic_url, json=body, headers=headers, params=version, timeout=10)


@pytest.mark.parametrize(("kind", "body"), [(BATCH, [EVENT, EVENT]), (SINGLE, EVENT)])
def test_events_with_a_token_are_taken_and_logged(api: Api, kind: str, body: object) -> None:
    assert publish(api, body, kind=kind).status_code == 200
    [call] = api.control.requests("publish")
    assert (call["body"], call["status"], call["audience"]) == (body, 200, AUDIENCE)


@pytest.mark.parametrize("audience", [None, "https://ml.azure.com"])
def test_another_token_is_refused(api: Api, audience: str | None) -> None:
    assert publish(api, [EVENT], audience=audience).status_code == 401


def test_who_has_no_role_is_refused(service: AzureMlService, api_of: Callable[..., Api]) -> None:
    assert publish(api_of(service, "stranger"), [EVENT]).status_code == 403


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (BATCH, EVENT),
        (SINGLE, [EVENT]),
        (BATCH, []),
        (BATCH, [EVENT, {**EVENT, "specversion": "0.3"}]),
        (BATCH, [{**EVENT, "id": ""}]),
        (BATCH, [1]),
        ("application/json", [EVENT]),
    ],
)
def test_what_is_no_cloud_event_is_refused(api: Api, kind: str, body: object) -> None:
    assert publish(api, body, kind=kind).status_code == 400
