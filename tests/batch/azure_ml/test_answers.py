"""Answers of any form and at any pace: each becomes a value or one of three errors."""

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from batch.azure_ml import connection, rest
from batch.azure_ml.answer import Answer
from batch.azure_ml.rest import AnswerLost, HttpError, NotSent, json_object, post_once, read
from batch.errors import ErrorCode, RunError
from tests.batch.azure_ml.raw_server import (
    RawServer,
    deaf_listener,
    endlessly,
    ok,
    say,
    say_and_close,
    silence,
)
from tests.waiting import wait_for

AUDIENCE = "https://ml.example"
LIMIT = 0.6
"""Seconds for an answer, in these tests."""
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def without_network_identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(rest, "bearer_token", lambda audience: "a-token")
    rest._pooled.cache_clear()
    yield
    rest._pooled().close()
    rest._pooled.cache_clear()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    with RawServer(tmp_path) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_bundle))
        yield server


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER_TIMEOUTS", {"GET": LIMIT, "POST": LIMIT})
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", LIMIT)


def get(url: str) -> dict[str, Any]:
    return read(f"{url}/jobs/a", AUDIENCE, {"secret": "in-the-query"})


def post(url: str) -> Answer:
    return post_once(f"{url}/jobs", AUDIENCE, json={"a": 1})


def test_a_read_waits_less_long_than_a_submission() -> None:
    assert connection.ANSWER_TIMEOUTS["GET"] <= 20 < connection.ANSWER_TIMEOUTS["POST"] <= 60


SLOW = {
    "no answer": silence,
    "status line byte by byte": endlessly(b"", b"H", 0.05),
    "header byte by byte": endlessly(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", 0.05),
    "another header each time": endlessly(b"HTTP/1.1 200 OK\r\n", b"X-A: a\r\n", 0.1),
    "100 Continue again and again": endlessly(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05),
    "body byte by byte": endlessly(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" ", 0.05),
    "chunk by chunk": endlessly(CHUNKED, b"1\r\n \r\n", 0.05),
    "body that stops": endlessly(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"", 0.05),
}


@pytest.mark.parametrize("ask", [get, post])
@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_an_answer_has_a_deadline_as_a_whole(
    server: RawServer, short_limits: None, answer: Any, ask: Callable[[str], object]
) -> None:
    server.answer = answer
    begin = time.monotonic()
    with pytest.raises(AnswerLost) as error:
        ask(server.url)
    assert time.monotonic() - begin < 10 * LIMIT
    assert "not complete within 0.6 s" in error.value.message
    assert f"{server.url}/jobs" in error.value.message
    assert "in-the-query" not in error.value.message


def bomb(mebibytes: int) -> bytes:
    """About a thousandth of its size."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(mebibytes)) + packer.flush()


@pytest.fixture(scope="module")
def gibibyte() -> bytes:
    return bomb(1024)


def test_what_a_body_becomes_after_decompression_is_limited(
    server: RawServer, gibibyte: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(gibibyte) < 2 * MIB
    longest = 0

    class Watched(bytearray):
        def __iadd__(self, piece: bytes) -> "Watched":  # type: ignore[override, misc]
            nonlocal longest
            longest = max(longest, len(piece))
            super().__iadd__(piece)
            return self

    monkeypatch.setattr(connection, "bytearray", Watched, raising=False)
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(piece), piece)
        for piece in (gibibyte[start : start + 4096] for start in range(0, len(gibibyte), 4096))
    )
    for answer in (
        ok(gibibyte, b"Content-Encoding: gzip"),
        ok(gzip.compress(gibibyte), b"Content-Encoding: gzip, gzip"),
        CHUNKED[:-2] + b"Content-Encoding: gzip\r\n\r\n" + chunks + b"0\r\n\r\n",
    ):
        server.answer = say(answer)
        longest = 0
        with pytest.raises(AnswerLost, match="larger than 8 MiB"):
            get(server.url)
        assert 0 < longest <= MIB


LARGE = {
    "length": endlessly(b"HTTP/1.1 200 OK\r\nContent-Length: 900000000\r\n\r\n", b" " * 65_536),
    "chunks": endlessly(CHUNKED, b"10000\r\n" + b" " * 65_536 + b"\r\n"),
    "trailers": endlessly(CHUNKED + b"0\r\n", b"X-A: a\r\n" * 8_192),
    "interim answers": endlessly(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2_048),
    "until the end of the connection": endlessly(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65_536),
    "error": endlessly(b"HTTP/1.1 503 No\r\n\r\n", b" " * 65_536),
}


@pytest.mark.parametrize("ask", [get, post])
@pytest.mark.parametrize("answer", LARGE.values(), ids=LARGE)
def test_the_size_of_an_answer_is_limited(
    server: RawServer, answer: Any, ask: Callable[[str], object]
) -> None:
    server.answer = answer
    with pytest.raises(AnswerLost, match=r"/jobs.* The answer is larger than 8 MiB"):
        ask(server.url)


def test_an_answer_of_the_greatest_size_is_read(server: RawServer) -> None:
    server.answer = say(ok(b'{"a": "' + b"a" * (8 * MIB - 9) + b'"}'))
    assert len(get(server.url)["a"]) == 8 * MIB - 9


def test_a_kept_connection_has_a_new_deadline_for_each_answer(server: RawServer, short_limits: None) -> None:
    assert get(server.url) == {}
    over = time.monotonic() + LIMIT
    wait_for("the end of the first deadline", lambda: time.monotonic() > over)
    assert get(server.url) == {}
    assert server.connections == 1


def test_after_an_answer_that_was_too_late_the_connection_is_not_used_again(
    server: RawServer, short_limits: None
) -> None:
    server.answer = endlessly(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b" ", 0.05)
    with pytest.raises(AnswerLost):
        get(server.url)
    server.answer = say(ok(b"{}"))
    assert get(server.url) == {}
    assert server.connections == 2


def test_an_error_answer_leaves_the_connection_usable(server: RawServer) -> None:
    server.answer = say(ok(b"Upstream is down", status=b"503 No"))
    with pytest.raises(HttpError, match="Upstream is down"):
        get(server.url)
    server.answer = say(ok(b"{}"))
    assert get(server.url) == {}
    assert server.connections == 1


def test_cookies_are_not_kept(server: RawServer) -> None:
    server.answer = say(ok(b"{}", b"Set-Cookie: a=b; Path=/", b"Set-Cookie: c=d; Domain=127.0.0.1"))
    get(server.url)
    get(server.url)
    assert all(b"Cookie" not in request for request in server.requests)


@pytest.mark.parametrize("ask", [get, post])
def test_an_authority_that_is_not_trusted_gets_no_request(
    server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[[str], object]
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    with pytest.raises(NotSent, match="certificate is not accepted"):
        ask(server.url)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(NotSent, match="certificate is not accepted"):
        ask(server.url)
    assert server.requests == []


@pytest.mark.parametrize("ask", [get, post])
def test_a_certificate_of_another_host_gets_no_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[[str], object]
) -> None:
    with RawServer(tmp_path, host="scores.example") as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_bundle))
        with pytest.raises(NotSent, match=r"127\.0\.0\.1"):
            ask(server.url)
    assert server.requests == []


@pytest.mark.parametrize("ask", [get, post])
def test_a_handshake_without_an_answer_ends_and_nothing_was_sent(
    short_limits: None, ask: Callable[[str], object]
) -> None:
    with deaf_listener() as url, pytest.raises(NotSent, match="no connection came about in time"):
        ask(url)


@pytest.mark.parametrize("ask", [get, post])
def test_a_connection_that_ends_in_the_handshake_has_sent_nothing(ask: Callable[[str], object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept_and_close() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=accept_and_close)
        thread.start()
        with pytest.raises(NotSent):
            ask(f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread.join(10)


@pytest.mark.parametrize("ask", [get, post])
def test_a_port_without_a_server_gets_nothing(ask: Callable[[str], object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(NotSent, match="connection refused"):
        ask(url)


NOT_A_JSON_OBJECT = {
    "empty": b"",
    "broken": b'{"a": ',
    "list": b"[1]",
    "null": b"null",
    "too deep": b'{"a":' + b"[" * 100_000,
    "deep and closed": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000,
    "number too long": b'{"a": ' + b"9" * 5_000 + b"}",
    "no UTF-8": b'{"a": "\xff\xfe\xfa"}',
    "half a character": b'{"a": "\xe2\x82"}',
    "odd bytes": bytes(range(256)),
    "UTF-16 that breaks off": '{"a": 1}'.encode("utf-16")[:-1],
}
BODIES_AS_SENT = {
    name: ok(body, b"Content-Type: application/json") for name, body in NOT_A_JSON_OBJECT.items()
} | {
    "no gzip": ok(b"{}", b"Content-Encoding: gzip"),
    "gzip that breaks off": ok(gzip.compress(b"{}" * 99)[:20], b"Content-Encoding: gzip"),
    "no deflate": ok(b"{}", b"Content-Encoding: deflate"),
    "compressed many times": ok(b"{}", b"Content-Encoding: " + b",".join([b"gzip"] * 50)),
    "wrong size of a chunk": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("answer", BODIES_AS_SENT.values(), ids=BODIES_AS_SENT)
def test_a_body_that_is_no_json_object_is_a_lost_answer(server: RawServer, answer: bytes) -> None:
    server.answer = say_and_close(answer)
    with pytest.raises(AnswerLost):
        get(server.url)
    with pytest.raises(AnswerLost):
        json_object(post(server.url))


@pytest.mark.parametrize("body", NOT_A_JSON_OBJECT.values(), ids=NOT_A_JSON_OBJECT)
def test_a_refusal_is_a_refusal_whatever_its_body(server: RawServer, body: bytes) -> None:
    server.answer = say(ok(body, b"Content-Type: application/json", status=b"403 No"))
    for ask in (get, post):
        with pytest.raises(HttpError) as error:
            ask(server.url)
        assert (error.value.status, error.value.code) == (403, ErrorCode.ACCESS_DENIED)
        assert len(error.value.message) <= 1_000


HEADERS = {
    "broken Location": b"Location: http://[::1",
    "Location that is no text": b"Location: \xff\xfe\x00",
    "unknown charset": b"Content-Type: application/json; charset=no-such-charset",
    "lying charset": b"Content-Type: application/json; charset=utf-16",
    "charset without a value": b"Content-Type: application/json; charset",
    "content type of odd bytes": b"Content-Type: \xff;;;=;charset=\xfe",
    "Retry-After of 1e999": b"Retry-After: 1e999",
    "negative Retry-After": b"Retry-After: -5",
    "long Retry-After": b"Retry-After: " + b"9" * 6_000,
    "Retry-After of odd bytes": b"Retry-After: \xb2\xff",
    "Retry-After twice": b"Retry-After: 5\r\nRetry-After: 6",
    "broken cookie": b"Set-Cookie: =;;;Expires=Thu, 99 Foo 99999",
    "header without a colon": b"what is this",
    "folded header": b"X-A: a\r\n b",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("status", [b"200 OK", b"302 Found", b"403 No", b"503 No"])
def test_odd_headers_do_not_break_a_call(server: RawServer, header: bytes, status: bytes) -> None:
    server.answer = say_and_close(ok(b'{"a": 1}', header, status=status))
    for ask in (get, post):
        try:
            answer = ask(server.url)
        except (HttpError, AnswerLost) as error:
            assert not isinstance(error, HttpError) or error.status == int(status[:3])
            assert error.retry_after is None or 0 <= error.retry_after <= rest.MAX_RETRY_AFTER
        else:
            assert status == b"200 OK"
            assert answer == {"a": 1} or json_object(answer) == {"a": 1}  # type: ignore[arg-type]


@pytest.mark.parametrize("location", [b"http://[::1", b"https://elsewhere.example/", b"/jobs/b", b""])
def test_a_redirect_is_an_answer_and_not_followed(server: RawServer, location: bytes) -> None:
    server.answer = say(ok(b"", b"Location: " + location, status=b"302 Found"))
    for ask in (get, post):
        with pytest.raises(HttpError) as error:
            ask(server.url)
        assert error.value.status == 302
    assert len(server.requests) == 2


STATUS_LINES = [
    b"\x00\x01\x02\r\n\r\n",
    b"HTTP/1.1 99999 Odd\r\n\r\n",
    b"HTTP/1.1 \r\n\r\n",
    b"HTTP/9.9 200 OK\r\n\r\n",
    b"SSH-2.0-OpenSSH\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{",
    b"HTTP/1.1 200 OK\r\n" + b"X-A: a\r\n" * 200 + b"\r\n{}",
    b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 70_000 + b"\r\n\r\n{}",
    CHUNKED + b"0" * 70_000,
    CHUNKED + b"0\r\nX-A: " + b"a" * 70_000,
    b"",
]


@pytest.mark.parametrize("answer", STATUS_LINES, ids=lambda answer: repr(answer[:40]))
@pytest.mark.parametrize("ask", [get, post])
def test_what_is_not_http_is_a_lost_answer(
    server: RawServer, answer: bytes, ask: Callable[[str], object]
) -> None:
    server.answer = say_and_close(answer)
    with pytest.raises(AnswerLost) as error:
        answered = ask(server.url)
        json_object(answered)  # type: ignore[arg-type]
    assert error.value.message.startswith(("GET", "POST"))


def test_an_answer_with_unusable_headers_leaves_no_connection_open(server: RawServer) -> None:
    server.answer = say(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n{}")
    with pytest.raises(AnswerLost) as error:
        get(server.url)
    wait_for("the end of the connection", lambda: server.connections == 1 and server.open == 0, limit=5)
    # Its traceback keeps what it knows: nothing was closed by the garbage collector.
    assert error.value.__context__ is not None


def test_the_three_kinds_stay_apart() -> None:
    kinds = (NotSent, AnswerLost, HttpError)
    assert all(issubclass(kind, RunError) for kind in kinds)
    assert not any(issubclass(one, other) for one in kinds for other in kinds if one is not other)
