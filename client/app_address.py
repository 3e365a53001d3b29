"""The address of an app, out of any address that people copy: of the monitor page, a run, or a durable status."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from client.command_line import CommandFailed

_OF_THE_APP = re.compile(r"(?P<prefix>.*?)/(?:api|runtime/webhooks/durabletask)(?P<rest>/.*)?", re.DOTALL)
_RUN = re.compile(r"/(?:batch-runs|instances)/(?P<run_id>[^/]+)(?:/.*)?", re.DOTALL)
_RUN_OF_PAGE = re.compile(r"/runs/(?P<run_id>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AppAddress:
    """``root`` is what stands before ``/api``. Keys in the query of the copied address are in neither."""

    root: str
    run_id: str | None = None

    @classmethod
    def parse(cls, text: str) -> "AppAddress":
        """Raises CommandFailed if it is no address."""
        parts = _parts(text)
        match = _OF_THE_APP.fullmatch(parts.path)
        prefix, rest = (match["prefix"], match["rest"] or "") if match else (parts.path, "")
        found = _RUN.fullmatch(rest) or _RUN_OF_PAGE.fullmatch(parts.fragment)
        return cls(
            root=f"{parts.scheme}://{parts.netloc}{prefix.rstrip('/')}",
            run_id=unquote(found["run_id"]) if found else None,
        )


def looks_like_address(text: str) -> bool:
    """No run id has a colon."""
    return "://" in text


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    shown = url.partition("?")[0]
    raise CommandFailed(
        f"{shown!r} is not the address of an app. An address is http://<host> or https://<host>."
    )
