"""Who gets a token at once, who waits, and how often the identity service is asked."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from batch.azure_ml.token_cache import (
    GIVEN_UP_AFTER,
    MAX_FAILURES,
    RENEW_BEFORE,
    RENEWAL_PAUSE,
    USABLE_FOR,
    NoAnswerYet,
    TokenCache,
)
from batch.thread_pools import ThreadPool
from tests.waiting import wait_for

ML, ARM = "https://ml.example", "https://arm.example"
LIFETIME = 3_600


class IdentityService:
    """All credentials of a test, and the clock. ``hold`` lets the requests for an audience hang, ``fail`` fail."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.credentials = 0
        self.asked: list[str] = []
        self.asked_by: list[int] = []
        self.failure: Exception | None = None
        self._free: dict[str, threading.Event] = {}

    def new_credential(self) -> "Credential":
        self.credentials += 1
        return Credential(self, self.credentials)

    def hold(self, audience: str) -> threading.Event:
        self._free[audience] = threading.Event()
        return self._free[audience]

    def answer(self, scope: str, credential: int) -> AccessToken:
        audience = scope.removesuffix("/.default")
        self.asked.append(audience)
        self.asked_by.append(credential)
        number = len(self.asked)
        if free := self._free.get(audience):
            assert free.wait(30)
        if self.failure:
            raise self.failure
        return AccessToken(f"token-{number}", int(self.now) + LIFETIME)

    def release_all(self) -> None:
        for free in self._free.values():
            free.set()


class Credential:
    def __init__(self, service: IdentityService, number: int) -> None:
        self._service = service
        self._number = number

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        return self._service.answer(scopes[0], self._number)


@pytest.fixture
def service() -> Iterator[IdentityService]:
    service = IdentityService()
    yield service
    service.release_all()


@pytest.fixture
def cache(service: IdentityService) -> TokenCache:
    return TokenCache(service.new_credential, ThreadPool("test-tokens", 8), lambda: service.now)


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as pool:
        yield pool


def asked(service: IdentityService, times: int) -> Callable[[], bool]:
    return lambda: len(service.asked) == times


def test_a_token_is_asked_for_once(cache: TokenCache, service: IdentityService) -> None:
    assert {cache.get(ML).token for _ in range(5)} == {"token-1"}
    assert cache.get(ARM).token == "token-2"
    assert service.asked == [ML, ARM]
    assert service.credentials == 1


def test_a_burst_of_callers_shares_one_request(
    cache: TokenCache, service: IdentityService, callers: ThreadPoolExecutor
) -> None:
    free = service.hold(ML)
    waiting = [callers.submit(cache.get, ML) for _ in range(40)]
    wait_for("the request", asked(service, 1))
    free.set()
    assert {future.result(10).token for future in waiting} == {"token-1"}
    assert service.asked == [ML]


def test_a_request_that_hangs_holds_up_no_other_audience(
    cache: TokenCache, service: IdentityService, callers: ThreadPoolExecutor
) -> None:
    token = cache.get(ML)
    free = service.hold(ARM)
    waiting = callers.submit(cache.get, ARM)
    wait_for("the request that hangs", asked(service, 2))
    assert cache.get(ML, longest_wait=0) is token
    assert cache.get("https://third.example", longest_wait=10).token == "token-3"
    free.set()
    assert waiting.result(10).token == "token-2"


def test_a_valid_token_is_given_while_its_renewal_hangs(cache: TokenCache, service: IdentityService) -> None:
    token = cache.get(ML)
    free = service.hold(ML)
    service.now += LIFETIME - RENEW_BEFORE + 1
    assert all(cache.get(ML, longest_wait=0) is token for _ in range(20))
    wait_for("the renewal", asked(service, 2))
    free.set()
    wait_for("the new token", lambda: cache.get(ML).token == "token-2")
    assert service.asked == [ML, ML]


def test_a_renewal_that_fails_is_repeated_after_a_pause_and_logged(
    cache: TokenCache, service: IdentityService, caplog: pytest.LogCaptureFixture
) -> None:
    token = cache.get(ML)
    service.failure = ClientAuthenticationError("The service is away.")
    service.now += LIFETIME - RENEW_BEFORE + 1
    with caplog.at_level(logging.WARNING):
        assert cache.get(ML) is token
        wait_for("the warning", lambda: "token_not_renewed" in caplog.text)
    assert all(cache.get(ML) is token for _ in range(20))
    service.now += RENEWAL_PAUSE - 1
    assert cache.get(ML) is token
    assert len(service.asked) == 2
    service.failure = None
    service.now += 1
    assert cache.get(ML) is token
    wait_for("the new token", lambda: cache.get(ML).token == "token-3")


def test_before_its_last_minutes_a_token_is_not_renewed(cache: TokenCache, service: IdentityService) -> None:
    cache.get(ML)
    service.now += LIFETIME - RENEW_BEFORE - 1
    cache.get(ML)
    assert service.asked == [ML]


@pytest.mark.parametrize("left", [USABLE_FOR, 0, -1])
def test_a_token_that_expires_is_not_given(cache: TokenCache, service: IdentityService, left: int) -> None:
    cache.get(ML)
    service.now += LIFETIME - left
    assert cache.get(ML).token == "token-2"


def test_who_has_no_token_waits_a_bounded_time(cache: TokenCache, service: IdentityService) -> None:
    service.hold(ML)
    with pytest.raises(NoAnswerYet, match=r"no answer within 0\.1 s"):
        cache.get(ML, longest_wait=0.1)
    with pytest.raises(NoAnswerYet):
        cache.get(ML, longest_wait=0.1)
    assert service.asked == [ML]


def test_a_request_that_never_ends_is_given_up(cache: TokenCache, service: IdentityService) -> None:
    first = service.hold(ML)
    with pytest.raises(NoAnswerYet):
        cache.get(ML, longest_wait=0)
    wait_for("the first request", asked(service, 1))
    service.now += GIVEN_UP_AFTER
    service.hold(ML).set()
    assert cache.get(ML).token == "token-2"
    first.set()
    assert cache.get(ML).token == "token-2"


def test_requests_that_never_end_do_not_use_up_the_threads(service: IdentityService) -> None:
    cache = TokenCache(service.new_credential, ThreadPool("test-tokens", 2), lambda: service.now)
    hanging = service.hold(ML)
    try:
        for number in range(1, 5):
            with pytest.raises(NoAnswerYet):
                cache.get(ML, longest_wait=0)
            wait_for("the request", asked(service, number))
            service.now += GIVEN_UP_AFTER
        service.hold(ML).set()
        assert cache.get(ML, longest_wait=10).token == "token-5"
    finally:
        hanging.set()


def test_the_failure_is_that_of_the_credential_and_the_next_caller_asks_again(
    cache: TokenCache, service: IdentityService
) -> None:
    service.failure = ClientAuthenticationError("AADSTS7000215")
    with pytest.raises(ClientAuthenticationError):
        cache.get(ML)
    service.failure = None
    assert cache.get(ML).token == "token-2"


def test_a_timeout_of_the_credential_is_a_failure_of_its_own(
    cache: TokenCache, service: IdentityService
) -> None:
    service.failure = TimeoutError("read")
    with pytest.raises(TimeoutError, match="read"):
        cache.get(ML)


def test_after_failures_in_a_row_there_is_a_new_credential(
    cache: TokenCache, service: IdentityService
) -> None:
    service.failure = ClientAuthenticationError("The header is not valid any more.")
    for _ in range(MAX_FAILURES + 1):
        with pytest.raises(ClientAuthenticationError):
            cache.get(ML)
    assert service.asked_by == [1] * MAX_FAILURES + [2]


def test_failures_with_a_success_between_them_are_not_in_a_row(
    cache: TokenCache, service: IdentityService
) -> None:
    for number in range(3 * MAX_FAILURES):
        service.failure = ClientAuthenticationError("No.")
        if number % (MAX_FAILURES - 1) == 0:
            service.failure = None
            service.now += LIFETIME
            cache.get(ML)
        else:
            with pytest.raises(ClientAuthenticationError):
                cache.get(ARM)
    assert service.credentials == 1


def test_a_credential_that_cannot_be_made_is_tried_again(service: IdentityService) -> None:
    made = 0

    def new_credential() -> Credential:
        nonlocal made
        made += 1
        if made == 1:
            raise ValueError("AZURE_TENANT_ID is not set.")
        return service.new_credential()

    cache = TokenCache(new_credential, ThreadPool("test-tokens", 1), lambda: service.now)
    with pytest.raises(ValueError, match="AZURE_TENANT_ID"):
        cache.get(ML)
    assert cache.get(ML).token == "token-1"


@pytest.mark.parametrize("text", ["a\nb", "a\r\nX-A: b", "caf\xe9", "", None, 5])
def test_a_token_that_is_no_header_value_is_refused(text: object) -> None:
    class Odd:
        def get_token(self, *scopes: str, **options: object) -> AccessToken:
            return AccessToken(text, 10**10)  # type: ignore[arg-type]

    cache = TokenCache(Odd, ThreadPool("test-tokens", 1))
    with pytest.raises(ValueError, match="no usable token"):
        cache.get(ML)
