"""Tokens in memory: a valid one is given at once, also while a request for a token hangs."""

import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from batch.log import log_event
from batch.thread_pools import ThreadPool

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

LONGEST_WAIT = 30
"""Seconds that a caller without a token waits for the request."""
RENEW_BEFORE = 600
"""Seconds before the expiry. azure-identity gives the old token again until 300 seconds before."""
RENEWAL_PAUSE = 30
"""Seconds between two requests for the same audience while its token is valid."""
USABLE_FOR = 10
"""Seconds that a token must still be valid: less, and it may expire on its way."""
GIVEN_UP_AFTER = 90
"""Seconds. The time-outs of azure-identity are for one read: a request may go on for ever."""
MAX_FAILURES = 3
"""In a row. A new credential object reads the environment anew: an identity header may have changed."""

_HEADER_VALUE = re.compile(r"[\x21-\x7e]+")

logger = logging.getLogger(__name__)


class NoAnswerYet(Exception):
    """The request for the token goes on, and the caller has waited long enough."""


@dataclass(frozen=True, slots=True)
class _Request:
    future: "Future[AccessToken]"
    asked_at: float


class TokenCache:
    """At most one request for each audience is on its way, and callers without a token share it."""

    def __init__(
        self,
        new_credential: "Callable[[], TokenCredential]",
        pool: ThreadPool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._new_credential = new_credential
        self._pool = pool
        self._clock = clock
        self._lock = Lock()
        """Never held over a call of the credential."""
        self._credential: TokenCredential | None = None
        self._failures = 0
        self._tokens: dict[str, AccessToken] = {}
        self._requests: dict[str, _Request] = {}

    def get(self, audience: str, longest_wait: float = LONGEST_WAIT) -> "AccessToken":
        """Raises NoAnswerYet, or what the credential raises."""
        now = self._clock()
        with self._lock:
            token = self._tokens.get(audience)
            left = token.expires_on - now if token else 0.0
            usable = token if left > USABLE_FOR else None
            if usable and (left > RENEW_BEFORE or self._asked_recently(audience, now)):
                return usable
            future = self._request(audience, now, is_renewal=usable is not None)
        if usable:
            return usable
        try:
            return future.result(longest_wait)
        except TimeoutError:
            if future.done():
                raise
            raise NoAnswerYet(f"There was no answer within {longest_wait:g} s.") from None

    def _asked_recently(self, audience: str, now: float) -> bool:
        request = self._requests.get(audience)
        return request is not None and now < request.asked_at + RENEWAL_PAUSE

    def _request(self, audience: str, now: float, *, is_renewal: bool) -> "Future[AccessToken]":
        """The request that is on its way, or a new one. The caller holds the lock."""
        request = self._requests.get(audience)
        if request and not request.future.done():
            if now < request.asked_at + GIVEN_UP_AFTER:
                return request.future
            self._count_failure()
            # Else requests that never end would use up the threads, and nobody would get a token any more.
            self._pool.give_up_hanging()
        future = self._pool.submit(self._ask, audience, is_renewal)
        self._requests[audience] = _Request(future, now)
        return future

    def _ask(self, audience: str, is_renewal: bool) -> "AccessToken":
        credential = self._current_credential()
        try:
            token = credential.get_token(f"{audience}/.default")
            if not (isinstance(token.token, str) and _HEADER_VALUE.fullmatch(token.token)):
                raise ValueError("The answer of the identity service has no usable token.")
        except Exception as error:
            with self._lock:
                if credential is self._credential:
                    self._count_failure()
            if is_renewal:
                log_event(logger, logging.WARNING, "token_not_renewed", audience=audience, reason=error)
            raise
        with self._lock:
            self._failures = 0
            known = self._tokens.get(audience)
            if known is None or token.expires_on >= known.expires_on:
                self._tokens[audience] = token
        return token

    def _current_credential(self) -> "TokenCredential":
        if credential := self._credential:
            return credential
        made = self._new_credential()
        with self._lock:
            self._credential = self._credential or made
            return self._credential

    def _count_failure(self) -> None:
        """The caller holds the lock."""
        self._failures += 1
        if self._failures >= MAX_FAILURES:
            self._failures, self._credential = 0, None
