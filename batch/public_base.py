"""Where callers reach the app if not under its own host: behind a gateway such as Front Door or API Management."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_BASE = re.compile(
    rf"(?:https://{_LABEL}(?:\.{_LABEL})*|http://(?:localhost|127\.0\.0\.1|\[::1\]))(?::[1-9][0-9]{{0,4}})?"
    r"(?P<path>(?:/[a-z0-9._~-]+)*)",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PublicBase:
    """What stands for ``https://<app>.azurewebsites.net`` in each address that the app gives. It ends in no slash."""

    url: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, whose text does not repeat the value."""
        match = _BASE.fullmatch(text.removesuffix("/"))
        if match is None or {".", ".."} & set(match["path"].split("/")) or not _has_port_in_range(match[0]):
            raise ValueError(
                "must be https://host[:port][/path], or http:// on this machine, without a query and without /api"
            )
        return cls(match[0])

    def __str__(self) -> str:
        return self.url


def _has_port_in_range(url: str) -> bool:
    try:
        urlsplit(url).port  # noqa: B018  # raises if the port is larger than a port can be
    except ValueError:
        return False
    return True
