"""Which receivers are told that a run has ended. ``docs/settings.md`` has the table."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import Self, TypeVar
from urllib.parse import urlsplit

from batch.addresses import Cloud, Origin
from batch.errors import SettingsError
from batch.public_base import PublicBase
from batch.run.notification import Receiver
from batch.settings import app_settings

T = TypeVar("T")

_TOPIC_PATH = "/api/events"
_RUNS = "/api/batch-runs"
_KEY_VAULT_REFERENCE = "@Microsoft.KeyVault("


@dataclass(frozen=True, slots=True)
class Topic:
    """``url`` is the endpoint of an Event Grid custom topic, ``audience`` that of the token for it."""

    url: str
    audience: str

    @classmethod
    def parse(cls, text: str, cloud: Cloud) -> Self:
        """Raises ValueError unless it is a topic of this cloud, or of this machine: a token goes there."""
        origin = Origin.parse(text.removesuffix(_TOPIC_PATH))
        if not (origin.host.endswith(f".{cloud.event_grid_host}") or _is_loopback(origin.host)):
            raise ValueError(
                "must be the endpoint of an Event Grid topic:"
                f" https://<topic>.<region>-1.{cloud.event_grid_host}{_TOPIC_PATH}"
            )
        return cls(f"{origin}{_TOPIC_PATH}", f"https://{cloud.event_grid_host}")


@dataclass(frozen=True, slots=True)
class Webhook:
    """All of ``url`` behind ``origin`` may be a secret: the path of some services is one, and the query of others.

    Both are empty while the platform cannot resolve a Key Vault reference. That must not stop the runs: the platform
    restarts the app when it can.
    """

    url: str = field(repr=False)
    origin: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, which quotes nothing of ``text``."""
        if text.startswith(_KEY_VAULT_REFERENCE):
            return cls("", "")
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port, parts = "", None, urlsplit("")
        is_plain = text.isascii() and text.isprintable() and " " not in text and not parts.fragment
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))
        if not (host and is_plain and is_safe) or "@" in parts.netloc:
            raise ValueError(
                "must be an https address without user and fragment; http is for this machine only"
            )
        place = f"[{host}]" if ":" in host else host
        return cls(text, f"{parts.scheme}://{place}" + (f":{port}" if port else ""))


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """``source`` names this app in each event, as its callers reach it."""

    topic: Topic | None
    webhook: Webhook | None
    source: str

    @property
    def receivers(self) -> tuple[Receiver, ...]:
        """Empty if notifications are off."""
        known = {Receiver.TOPIC: self.topic, Receiver.WEBHOOK: self.webhook}
        return tuple(receiver for receiver, place in known.items() if place)

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str], cloud: Cloud, public_base: PublicBase | None = None
    ) -> Self:
        """Raises SettingsError, which names the setting and quotes nothing of it."""

        def read(name: str, parse: Callable[[str], T]) -> T | None:
            text = environment.get(name, "").strip()
            try:
                return parse(text) if text else None
            except ValueError as error:
                raise SettingsError(f"App setting {name} is wrong: it {error}.") from None

        host = environment.get("WEBSITE_HOSTNAME", "").strip()
        return cls(
            topic=read("NOTIFICATION_TOPIC", lambda text: Topic.parse(text, cloud)),
            webhook=read("NOTIFICATION_URL", Webhook.parse),
            source=f"{public_base or (f'https://{host}' if host else '')}{_RUNS}",
        )


@lru_cache(maxsize=1)
def notification_settings() -> NotificationSettings:
    """The receivers of this process."""
    settings = app_settings()
    return NotificationSettings.from_environment(os.environ, settings.cloud, settings.public_base)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
