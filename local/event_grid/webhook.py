"""The requests that Event Grid sends to a webhook: the handshake of each schema, and deliveries."""

import json
import uuid
from collections.abc import Sequence

import aiohttp

from local.event_grid.event import Event, JsonObject, Schema, written
from local.event_grid.retry import SOCKET_ERROR, TIMED_OUT, Outcome
from local.event_grid.subscription import Subscription

_ORIGIN = "eventgrid.azure.net"
_ANSWER_LIMIT = aiohttp.ClientTimeout(total=30)


class HandshakeError(Exception):
    """The endpoint did not prove that it wants the events. The text says what it answered."""


async def shake_hands(session: aiohttp.ClientSession, subscription: Subscription) -> None:
    """Raises HandshakeError. There is no ``validationUrl``: the endpoint must answer with the code."""
    try:
        if subscription.schema is Schema.CLOUD_EVENTS:
            await _ask_permission(session, subscription.url)
        else:
            await _validate(session, subscription)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise HandshakeError(f"{subscription.url} does not answer: {error or 'timeout'}") from error


async def _ask_permission(session: aiohttp.ClientSession, url: str) -> None:
    headers = {"WebHook-Request-Origin": _ORIGIN}
    async with session.options(url, headers=headers, timeout=_ANSWER_LIMIT, allow_redirects=False) as answer:
        allowed = answer.headers.get("WebHook-Allowed-Origin", "")
        if answer.status != 200 or allowed.lower() not in (_ORIGIN, "*"):
            raise HandshakeError(
                f"{url} answered {answer.status} to OPTIONS and allows {allowed or 'nobody'}, not {_ORIGIN}."
            )


async def _validate(session: aiohttp.ClientSession, subscription: Subscription) -> None:
    code = str(uuid.uuid4())
    event = Event(
        topic="",
        subject="",
        type="Microsoft.EventGrid.SubscriptionValidationEvent",
        data={"validationCode": code},
    )
    body = json.dumps([written(event, Schema.EVENT_GRID)])
    headers = _headers(subscription, "SubscriptionValidation", 0, "application/json")
    request = session.post(
        subscription.url, data=body, headers=headers, timeout=_ANSWER_LIMIT, allow_redirects=False
    )
    async with request as answer:
        text = await answer.text(errors="replace")
    if answer.status != 200 or _validation_response(text) != code:
        raise HandshakeError(f"{subscription.url} answered {answer.status} to its validation: {text[:300]}")


def _validation_response(text: str) -> object:
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content.get("validationResponse") if isinstance(content, dict) else None


async def deliver(
    session: aiohttp.ClientSession, subscription: Subscription, events: Sequence[JsonObject], attempts: int
) -> Outcome:
    """One request; ``attempts`` counts those before it. A failure is an Outcome, never an exception."""
    cloud, batched = subscription.schema is Schema.CLOUD_EVENTS, subscription.batching.max_events > 1
    kind = ("application/cloudevents+json", "application/cloudevents-batch+json")[batched]
    headers = _headers(subscription, "Notification", attempts, kind if cloud else "application/json")
    # A single CloudEvent is not in an array; the events of Event Grid's own schema always are.
    body = json.dumps(events[0] if cloud and not batched else events, ensure_ascii=False).encode()
    request = session.post(
        subscription.url, data=body, headers=headers, timeout=_ANSWER_LIMIT, allow_redirects=False
    )
    try:
        async with request as answer:
            return Outcome.of_status(answer.status)
    except TimeoutError:
        return Outcome(None, TIMED_OUT)
    except aiohttp.ClientError:
        return Outcome(None, SOCKET_ERROR)


def _headers(subscription: Subscription, kind: str, attempts: int, content_type: str) -> dict[str, str]:
    return {
        "Content-Type": f"{content_type}; charset=utf-8",
        "aeg-event-type": kind,
        "aeg-subscription-name": subscription.name.upper(),
        "aeg-delivery-count": str(attempts),
        "aeg-data-version": "",
        "aeg-metadata-version": "1",
    }
