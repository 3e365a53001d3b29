"""One try over real sockets: what is sent, which answers end the tries, and that no text has the secret."""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch.addresses import PUBLIC_CLOUD
from batch.azure_ml import identity
from batch.errors import RunError
from batch.notification.event import cloud_event
from batch.notification.send import NoTurn, send_event
from batch.notification.settings import NotificationSettings
from batch.run.notification import Receiver
from batch.thread_pools import NOTIFICATIONS
from local.notification_receiver import NotificationReceiver
from tests.batch.azure_ml.raw_server import RawServer, ok, say
from tests.batch.notification.test_event import SOURCE, view_of
from tests.waiting import wait_for

SECRET = "S3cr3tMarker"
EVENT = cloud_event(view_of("Completed"), SOURCE)


def settings_of(**environment: str) -> NotificationSettings:
    return NotificationSettings.from_environment(environment, PUBLIC_CLOUD)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[NotificationReceiver]:
    with NotificationReceiver(tmp_path, secret=SECRET) as receiver:
        yield receiver


@pytest.fixture
def topic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    monkeypatch.setattr(identity, "bearer_token", lambda audience: f"token-for-{audience}")
    monkeypatch.setattr("batch.azure_ml.rest.bearer_token", lambda audience: f"token-for-{audience}")
    with RawServer(tmp_path) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_bundle))
        yield server


async def failure_at(receiver: Receiver, settings: NotificationSettings) -> RunError:
    with pytest.raises(RunError) as raised:
        await send_event(receiver, EVENT, settings)
    return raised.value


async def test_a_webhook_gets_one_event(receiver: NotificationReceiver) -> None:
    await send_event(Receiver.WEBHOOK, EVENT, settings_of(NOTIFICATION_URL=receiver.url))
    assert receiver.accepted == [EVENT]


async def test_a_topic_gets_a_list_of_one_event_with_a_token_for_event_grid(topic: RawServer) -> None:
    settings = settings_of(NOTIFICATION_TOPIC=f"{topic.url}/api/events")
    await send_event(Receiver.TOPIC, EVENT, settings)
    await asyncio.to_thread(wait_for, "the body", lambda: topic.requests[-1].endswith(b"}]"))
    sent, _, body = b"".join(topic.requests).partition(b"\r\n\r\n")
    assert json.loads(body) == [EVENT]
    head = sent.decode()
    assert head.startswith("POST /api/events?api-version=2018-01-01 HTTP/1.1")
    assert "Content-Type: application/cloudevents-batch+json; charset=utf-8" in head
    assert "Authorization: Bearer token-for-https://eventgrid.azure.net" in head


@pytest.mark.parametrize("status", [300, 302, 400, 401, 403, 404, 408, 409, 410, 413, 429, 500, 503])
async def test_statuses_that_cannot_pass_end_the_tries(
    receiver: NotificationReceiver, topic: RawServer, status: int
) -> None:
    receiver.status = status
    topic.answer = say(ok(b"{}", status=b"%d Odd" % status))
    passes = status not in (400, 404, 410, 413)
    both = settings_of(NOTIFICATION_URL=receiver.url, NOTIFICATION_TOPIC=f"{topic.url}/api/events")
    for each in Receiver:
        error = await failure_at(each, both)
        assert error.retryable is passes, each
        assert str(status) in error.message
        assert SECRET not in error.message


async def test_without_a_token_it_is_tried_again(topic: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(audience: str) -> str:
        raise RunError(identity.ErrorCode.TOKEN_REFUSED, "AADSTS7000222: the secret has expired")

    monkeypatch.setattr("batch.azure_ml.rest.bearer_token", refuse)
    error = await failure_at(Receiver.TOPIC, settings_of(NOTIFICATION_TOPIC=f"{topic.url}/api/events"))
    assert error.retryable
    assert "AADSTS7000222" in error.message


async def test_a_receiver_says_how_long_to_wait(topic: RawServer) -> None:
    topic.answer = say(ok(b"", b"Retry-After: 77", status=b"503 Away"))
    url = f"{topic.url}/hook?code={SECRET}"
    for receiver, name, value in (
        (Receiver.WEBHOOK, "NOTIFICATION_URL", url),
        (Receiver.TOPIC, "NOTIFICATION_TOPIC", f"{topic.url}/api/events"),
    ):
        assert (await failure_at(receiver, settings_of(**{name: value}))).retry_after == 77


async def test_a_webhook_that_is_away_is_tried_again_and_its_secret_is_not_told(
    receiver: NotificationReceiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with NotificationReceiver(tmp_path, secret=SECRET) as gone:
        pass
    error = await failure_at(Receiver.WEBHOOK, settings_of(NOTIFICATION_URL=gone.url))
    assert error.retryable
    assert error.message.startswith("POST to the webhook at http://127.0.0.1:")
    assert "refused" in error.message
    await send_event(Receiver.WEBHOOK, EVENT, settings_of(NOTIFICATION_URL=receiver.url))
    assert SECRET not in error.message + caplog.text


async def test_a_reference_to_key_vault_that_is_not_resolved_is_tried_again() -> None:
    reference = "@Microsoft.KeyVault(SecretUri=https://vault.vault.azure.net/secrets/notification)"
    error = await failure_at(Receiver.WEBHOOK, settings_of(NOTIFICATION_URL=reference))
    assert error.retryable
    assert "Key Vault Secrets User" in error.message


async def test_an_answer_that_repeats_the_address_is_not_quoted(topic: RawServer) -> None:
    topic.answer = say(ok(b"You called /hook?code=%s" % SECRET.encode(), status=b"500 Oh"))
    error = await failure_at(
        Receiver.WEBHOOK, settings_of(NOTIFICATION_URL=f"{topic.url}/hook?code={SECRET}")
    )
    assert error.message.endswith(" answered 500.")


async def test_no_answer_in_http_is_tried_again(topic: RawServer) -> None:
    topic.answer = say(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    error = await failure_at(
        Receiver.WEBHOOK, settings_of(NOTIFICATION_URL=f"{topic.url}/hook?code={SECRET}")
    )
    assert error.retryable
    assert SECRET not in error.message


@pytest.mark.parametrize("head", [b"no colon here", b"\0: b"])
async def test_odd_headers_of_an_answer_put_no_secret_into_the_log(
    topic: RawServer, caplog: pytest.LogCaptureFixture, head: bytes
) -> None:
    caplog.set_level(logging.DEBUG)
    topic.answer = say(ok(b"", head))
    url = f"{topic.url}/hook/{SECRET}?code={SECRET}"
    await send_event(Receiver.WEBHOOK, EVENT, settings_of(NOTIFICATION_URL=url))
    assert SECRET not in caplog.text


async def test_a_receiver_that_was_taken_out_of_the_settings_ends_the_tries() -> None:
    for receiver in Receiver:
        assert not (await failure_at(receiver, settings_of())).retryable


async def test_a_receiver_that_hangs_holds_up_ten_at_most_and_no_other_receiver(
    receiver: NotificationReceiver, topic: RawServer
) -> None:
    release = threading.Event()
    topic.answer = lambda connection, stop: (release.wait(60), connection.sendall(ok(b"")))[1]
    both = settings_of(NOTIFICATION_URL=receiver.url, NOTIFICATION_TOPIC=f"{topic.url}/api/events")
    hanging = [asyncio.create_task(send_event(Receiver.TOPIC, EVENT, both)) for _ in range(NOTIFICATIONS)]
    try:
        await asyncio.to_thread(wait_for, "all at work", lambda: topic.open == NOTIFICATIONS)
        with pytest.raises(NoTurn):
            await send_event(Receiver.TOPIC, EVENT, both)
        await send_event(Receiver.WEBHOOK, EVENT, both)
        assert receiver.accepted == [EVENT]
    finally:
        release.set()
    await asyncio.gather(*hanging)
    await send_event(Receiver.TOPIC, EVENT, both)
