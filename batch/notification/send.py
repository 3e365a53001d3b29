"""Sends an event to a receiver, once. What may be secret in the address of a webhook is in no text and no log."""

from datetime import UTC, datetime
from threading import BoundedSemaphore

import requests

from batch import thread_pools
from batch.azure_ml.connection import new_session, send
from batch.azure_ml.rest import HttpError, post_once, retry_after_seconds, without_answer
from batch.errors import ErrorCode, RunError
from batch.notification.event import CloudEvent
from batch.notification.settings import NotificationSettings, Topic, Webhook
from batch.run.notification import Receiver
from batch.thread_pools import NOTIFICATIONS

_API_VERSION = "2018-01-01"
_ONE_EVENT = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
_LIST_OF_EVENTS = {"Content-Type": "application/cloudevents-batch+json; charset=utf-8"}
_DOES_NOT_PASS = frozenset({400, 404, 410, 413})
"""Statuses after which no further try helps. Others pass, such as 403 until a role takes effect."""
_TURNS = {receiver: BoundedSemaphore(NOTIFICATIONS) for receiver in Receiver}
_POOLS = {Receiver.TOPIC: thread_pools.event_grid, Receiver.WEBHOOK: thread_pools.webhook}


class NoTurn(Exception):
    """As many events as may be are on their way to the receiver already. Nothing was sent."""


async def send_event(receiver: Receiver, event: CloudEvent, settings: NotificationSettings) -> None:
    """Raises RunError if the receiver did not accept it, and NoTurn.

    No caller waits for a turn: waiting activities would take the place of those of the runs.
    """
    turns = _TURNS[receiver]
    if not turns.acquire(blocking=False):
        raise NoTurn
    # The thread gives the turn back: it goes on when its caller is gone.
    await _POOLS[receiver].run(_send_in_turn, turns, receiver, event, settings)


def _send_in_turn(
    turns: BoundedSemaphore, receiver: Receiver, event: CloudEvent, settings: NotificationSettings
) -> None:
    try:
        if receiver is Receiver.TOPIC and settings.topic:
            _publish(settings.topic, event)
        elif receiver is Receiver.WEBHOOK and settings.webhook:
            _post(settings.webhook, event)
        else:
            raise _failed(f"The {receiver} is not in the settings any more", passes=False)
    finally:
        turns.release()


def _publish(topic: Topic, event: CloudEvent) -> None:
    try:
        post_once(
            topic.url,
            topic.audience,
            json=[event],
            headers=_LIST_OF_EVENTS,
            params={"api-version": _API_VERSION},
        )
    except RunError as error:
        # Also without a token: a secret may be renewed within the day.
        passes = not (isinstance(error, HttpError) and error.status in _DOES_NOT_PASS)
        raise _failed(error.message, passes=passes, retry_after=error.retry_after) from None


def _post(webhook: Webhook, event: CloudEvent) -> None:
    if not webhook.url:
        raise _failed(
            "The app setting NOTIFICATION_URL is a Key Vault reference that the platform could not resolve: check the"
            " secret, and that the app's identity has the role Key Vault Secrets User"
        )
    try:
        with new_session() as session:
            answer, _ = send(
                session, "POST", webhook.url, json=event, headers=_ONE_EVENT, auth=_without_credentials
            )
    except Exception as error:
        # Not only what the library declares, as in batch/azure_ml/rest.py.
        raise _failed(without_answer(f"POST to the webhook at {webhook.origin}", error).message) from None
    if answer.status_code >= 300:
        raise _failed(
            # Its body is not quoted: it may repeat the address.
            f"The webhook at {webhook.origin} answered {answer.status_code}",
            passes=answer.status_code not in _DOES_NOT_PASS,
            retry_after=retry_after_seconds(answer.headers.get("Retry-After"), datetime.now(UTC)),
        )


def _without_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Given as ``auth``, so that nothing of a .netrc file is sent."""
    return request


def _failed(message: str, *, passes: bool = True, retry_after: float | None = None) -> RunError:
    text = message if message.endswith(".") else f"{message}."
    return RunError(ErrorCode.SERVICE_UNAVAILABLE, text, retryable=passes, retry_after=retry_after)
