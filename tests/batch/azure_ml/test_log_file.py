"""The download of a log, against answers that no storage account gives."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batch.azure_ml.log_file import MOST_BYTES, read_end
from batch.errors import RunError
from tests.batch.azure_ml.raw_server import RawServer, ok, say
from tests.batch.builders import settings

SECRET = "S3cr3tMarker"
PART = b"206 Partial Content"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    with RawServer(tmp_path) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_bundle))
        yield server


@pytest.fixture
def read(server: RawServer) -> Callable[[], tuple[str, bool]]:
    app = settings(AZURE_ML_RUN_HISTORY_URL=server.url)
    return lambda: read_end(f"{server.url}/log.txt?sig={SECRET}", app)


@pytest.mark.parametrize(
    ("header", "is_whole"),
    [
        (b"Content-Range: bytes 0-2/3", True),
        (b"Content-Range: bytes 0-2/%d" % (MOST_BYTES + 1), False),
        (b"Content-Range: bytes 0-2/%s" % (b"9" * 5_000), True),
        (b"Content-Range: bytes 0-2/-1", True),
        (b"Content-Range: none", True),
    ],
)
def test_any_size_is_read_or_left_alone(
    server: RawServer, read: Callable[[], tuple[str, bool]], header: bytes, is_whole: bool
) -> None:
    server.answer = say(ok(b"end", header, status=PART))
    assert read() == ("end", is_whole)


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"", b"Location: https://127.0.0.1/", status=b"302 Found"),
        ok(b"x", b"Content-Encoding: gzip", status=PART),
        ok(b"x", b"no colon here"),
        ok(b"You called ?sig=%s" % SECRET.encode(), status=b"403 No"),
    ],
)
def test_whatever_is_answered_the_signature_is_not_told(
    server: RawServer,
    read: Callable[[], tuple[str, bool]],
    caplog: pytest.LogCaptureFixture,
    answer: bytes,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer = say(answer)
    try:
        told, _ = read()
    except RunError as error:
        told = error.message
    assert SECRET not in told + caplog.text
