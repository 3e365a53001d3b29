import pytest

from batch.addresses import CLOUDS, PUBLIC_CLOUD, Cloud
from batch.errors import SettingsError
from batch.notification.settings import NotificationSettings, Topic
from batch.public_base import PublicBase
from batch.run.notification import Receiver

SECRET = "S3cr3tMarker"
TOPIC = "https://runs.westeurope-1.eventgrid.azure.net/api/events"
WEBHOOK = f"https://prod-1.westeurope.logic.azure.com:443/workflows/{SECRET}/invoke?sig={SECRET}"


def settings(cloud: Cloud = PUBLIC_CLOUD, **environment: str) -> NotificationSettings:
    return NotificationSettings.from_environment(environment, cloud)


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_without_settings_nobody_is_told(blank: str) -> None:
    assert settings().receivers == ()
    assert settings(NOTIFICATION_TOPIC=blank, NOTIFICATION_URL=blank) == settings()


def test_both_receivers_may_be_set() -> None:
    both = settings(NOTIFICATION_TOPIC=TOPIC, NOTIFICATION_URL=WEBHOOK)
    assert both.receivers == (Receiver.TOPIC, Receiver.WEBHOOK)
    assert both.topic == Topic(TOPIC, "https://eventgrid.azure.net")
    assert both.webhook and both.webhook.url == WEBHOOK


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.arm_host)
def test_each_cloud_has_topics_of_its_own(cloud: Cloud) -> None:
    topics = [f"https://runs.region-1.{one.event_grid_host}/api/events" for one in CLOUDS]
    for topic in topics:
        if topic.endswith(f".{cloud.event_grid_host}/api/events"):
            found = settings(cloud, NOTIFICATION_TOPIC=topic).topic
            assert found == Topic(topic, f"https://{cloud.event_grid_host}")
        else:
            with pytest.raises(SettingsError, match="NOTIFICATION_TOPIC"):
                settings(cloud, NOTIFICATION_TOPIC=topic)


def test_a_topic_of_this_machine_is_accepted() -> None:
    found = settings(NOTIFICATION_TOPIC="https://127.0.0.1:4443/api/events").topic
    assert found and found.url == "https://127.0.0.1:4443/api/events"


@pytest.mark.parametrize(
    "text",
    [
        "runs.westeurope-1.eventgrid.azure.net",
        "http://runs.westeurope-1.eventgrid.azure.net/api/events",
        "https://runs.westeurope-1.eventgrid.azure.net/api/events?x=1",
        "https://runs.westeurope-1.eventgrid.azure.net/api/events/",
        "https://runs.westeurope-1.eventgrid.azure.net.example/api/events",
        "https://runs-eventgrid.azure.net/api/events",
        "https://eventgrid.azure.net/api/events",
        "https://user@runs.westeurope-1.eventgrid.azure.net/api/events",
        "https://127.0.0.1.example/api/events",
        "https://example.com/runs.westeurope-1.eventgrid.azure.net/api/events",
    ],
)
def test_the_token_goes_to_no_other_host(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^App setting NOTIFICATION_TOPIC is wrong: it must be "):
        settings(NOTIFICATION_TOPIC=text)


@pytest.mark.parametrize(
    "text",
    [
        f"http://example.com/{SECRET}",
        f"http://127.0.0.1.example/{SECRET}",
        f"https://user:{SECRET}@example.com/",
        f"https://{SECRET}@example.com/",
        f"https://example.com/#{SECRET}",
        f"https://example.com/a b{SECRET}",
        f"https://example.com:{SECRET}/",
        f"https://[{SECRET}/",
        f"https:///{SECRET}",
        f"ftp://example.com/{SECRET}",
        f"example.com/{SECRET}",
        f"https://ex\u00e4mple.com/{SECRET}",
    ],
)
def test_a_wrong_webhook_stops_the_app_without_showing_it(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^App setting NOTIFICATION_URL is wrong: it ") as raised:
        settings(NOTIFICATION_URL=text)
    assert SECRET.lower() not in str(raised.value).lower()


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:80/x", "http://localhost/x", "http://[::1]:8080/x", "https://example.com"]
)
def test_plain_http_is_for_this_machine(text: str) -> None:
    webhook = settings(NOTIFICATION_URL=text).webhook
    assert webhook and webhook.url == text
    assert webhook.url.startswith(webhook.origin)


def test_the_secret_of_a_webhook_is_not_shown() -> None:
    both = settings(NOTIFICATION_URL=WEBHOOK)
    assert SECRET not in repr(both)
    assert both.webhook
    assert both.webhook.origin == "https://prod-1.westeurope.logic.azure.com:443"


def test_the_source_is_the_address_of_the_runs() -> None:
    assert settings(WEBSITE_HOSTNAME="func-1.azurewebsites.net").source == (
        "https://func-1.azurewebsites.net/api/batch-runs"
    )
    assert settings().source == "/api/batch-runs"


def test_behind_a_gateway_the_source_is_the_address_there() -> None:
    base = PublicBase.parse("https://front.example/scoring")
    environment = {"WEBSITE_HOSTNAME": "func-1.azurewebsites.net"}
    behind = NotificationSettings.from_environment(environment, PUBLIC_CLOUD, base)
    assert behind.source == "https://front.example/scoring/api/batch-runs"
