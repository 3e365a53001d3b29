"""Each credential that azure-identity builds has the time-outs and retries of this app."""

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from batch.azure_ml import credential
from batch.azure_ml.credential import TIMEOUTS, Transport, new_credential
from batch.azure_ml.token_cache import LONGEST_WAIT
from tests.served import served

IDENTITIES = {
    "secret": {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s"},
    "instance metadata": {},
    "app service": {"IDENTITY_ENDPOINT": "http://127.0.0.1:1/", "IDENTITY_HEADER": "h"},
}


@pytest.fixture(autouse=True)
def no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*IDENTITIES["secret"], *IDENTITIES["app service"], "AZURE_AUTHORITY_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "prod")


@pytest.mark.parametrize("environment", IDENTITIES.values(), ids=IDENTITIES)
def test_each_credential_has_the_transport_of_this_app(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    pipelines = list(_pipelines(new_credential()))
    assert len(pipelines) == 1 + ("AZURE_CLIENT_SECRET" in environment)
    for pipeline in pipelines:
        assert isinstance(pipeline._transport, Transport)
        config = pipeline._transport.connection_config
        assert (config.timeout, config.read_timeout) == (
            TIMEOUTS["connection_timeout"],
            TIMEOUTS["read_timeout"],
        )
        [retries] = [policy for policy in pipeline._impl_policies if "Retry" in type(policy).__name__]
        assert (retries.total_retries, retries.read_retries) == (2, 0)


def _pipelines(chain: Any) -> Iterator[Any]:
    for each in chain.credentials:
        inner = getattr(each, "_credential", each)
        if client := getattr(inner, "_client", None):
            yield client._pipeline


def test_one_request_ends_while_its_caller_waits() -> None:
    assert max(3 * TIMEOUTS["connection_timeout"], TIMEOUTS["read_timeout"]) < LONGEST_WAIT


class _Busy(BaseHTTPRequestHandler):
    requests = 0

    def do_GET(self) -> None:
        type(self).requests += 1
        self.send_response(503)
        self.send_header("Retry-After", "3600")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


def test_a_long_retry_after_does_not_hold_up_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credential, "_LONGEST_PAUSE", 0.05)
    with served(ThreadingHTTPServer(("127.0.0.1", 0), _Busy)) as url:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{url}/")
        monkeypatch.setenv("IDENTITY_HEADER", "h")
        begin = time.monotonic()
        with new_credential() as chain, pytest.raises(ClientAuthenticationError):
            chain.get_token("https://ml.example/.default")
        assert time.monotonic() - begin < 10
        assert _Busy.requests == 3
