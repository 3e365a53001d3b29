"""A client of the app's HTTP API: reads runs, cancels one, and rebuilds the ledger."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests

from batch.connection_words import in_words
from client.app_address import AppAddress
from client.command_line import CommandFailed

View = dict[str, Any]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_CONNECT_TIMEOUT, _TIMEOUT = 5, 30
_LONGEST_ANSWER = 240
"""Seconds. Azure ends a request that has no answer after 230 s."""


class NotReadable(CommandFailed):
    """The app did not answer as asked. ``transient`` if a retry may help."""

    def __init__(self, reason: str, *, transient: bool = False) -> None:
        super().__init__(reason)
        self.transient = transient


@dataclass(frozen=True, slots=True)
class RunClient:
    """``url`` is any address of the app. ``key`` and ``token``, of which an app with a sign-in needs both, travel in
    headers only."""

    url: str
    key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    def run(self, run_id: str) -> View:
        """Raises NotReadable."""
        view: View = self._call("GET", _run(run_id))
        return view

    def list(self, phases: str, continuation: str | None) -> dict[str, Any]:
        """One page of the runs in these phases. Raises NotReadable."""
        query = {"phase": phases, "top": "50", **({"continuation": continuation} if continuation else {})}
        page: dict[str, Any] = self._call("GET", f"batch-runs?{urlencode(query)}")
        return page

    def cancel(self, run_id: str) -> None:
        """Raises NotReadable, with the app's message if it refuses."""
        self._call("POST", f"{_run(run_id)}/cancel")

    def rebuild_part(self, continuation: str | None) -> dict[str, Any]:
        """One part of the task hub. Raises NotReadable."""
        query = f"?continuation={quote(continuation, safe='')}" if continuation else ""
        part: dict[str, Any] = self._call("POST", f"ledger/rebuild{query}", timeout=_LONGEST_ANSWER)
        return part

    def _call(self, method: str, path: str, *, timeout: float = _TIMEOUT) -> Any:
        root = _root(self.url)
        address = f"{root}/api/{path}"
        parts = urlsplit(root)
        if self.has_secrets and parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise NotReadable(f"{root} is not https, so no key and no token is sent there.")
        try:
            with requests.Session() as session:
                answer = session.request(
                    method,
                    address,
                    headers=self._headers(),
                    # Without it, an entry of ~/.netrc for the host replaces the token.
                    auth=lambda request: request,
                    timeout=(_CONNECT_TIMEOUT, timeout),
                    # A redirect would send the key and the token to another address.
                    allow_redirects=False,
                )
        except (requests.RequestException, UnicodeEncodeError) as error:
            if isinstance(error, ValueError):
                # The address or a header cannot be sent; a retry does not help.
                raise NotReadable(
                    f"{root} cannot be called: its address, the key or the token is not of a valid form."
                ) from None
            raise NotReadable(f"{root} does not answer: {in_words(error)}.", transient=True) from None
        if answer.status_code in (401, 403):
            raise NotReadable(
                f"{root} refuses the request ({answer.status_code}). Set BATCH_FUNCTION_KEY to a key of this app; "
                "if the app has a sign-in, also BATCH_FUNCTION_TOKEN to a token for it, which soon expires."
            )
        return _body(answer, root)

    @property
    def has_secrets(self) -> bool:
        return bool(self.key or self.token)

    def _headers(self) -> dict[str, str]:
        key = {"x-functions-key": self.key} if self.key else {}
        return key | ({"Authorization": f"Bearer {self.token}"} if self.token else {})


def _run(run_id: str) -> str:
    return f"batch-runs/{quote(run_id, safe='')}"


def _root(url: str) -> str:
    try:
        return AppAddress.parse(url).root
    except CommandFailed as error:
        raise NotReadable(str(error)) from None


def _body(answer: requests.Response, root: str) -> Any:
    try:
        body = answer.json()
    except requests.exceptions.JSONDecodeError:
        body = None
    if answer.ok and isinstance(body, dict):
        return body
    said = body.get("detail") if isinstance(body, dict) else None
    transient = answer.status_code >= 500 or answer.status_code == 429
    raise NotReadable(
        said or f"{root} answered {answer.status_code}, but not in the form of this app.", transient=transient
    )
