"""Any address that people copy leads to the app, and to the run if it is one of a run."""

import pytest

from client.app_address import AppAddress, looks_like_address
from client.command_line import CommandFailed

APP = "https://my-app.azurewebsites.net"
DURABLE = "runtime/webhooks/durabletask/instances"


@pytest.mark.parametrize(
    ("copied", "root", "run_id"),
    [
        (APP, APP, None),
        (f"{APP}/", APP, None),
        (f" {APP}/api/ ", APP, None),
        (f"{APP}/api/monitor", APP, None),
        (f"{APP}/api/monitor?code=k&phase=Failed#/runs/nightly-1", APP, "nightly-1"),
        (f"{APP}/api/monitor#/runs/a%2Eb", APP, "a.b"),
        (f"{APP}/api/batch-runs?phase=Running", APP, None),
        (f"{APP}/api/batch-runs/nightly-1", APP, "nightly-1"),
        (f"{APP}/api/batch-runs/api", APP, "api"),
        (f"{APP}/api/batch-runs/nightly-1/cancel", APP, "nightly-1"),
        (f"{APP}/{DURABLE}/nightly-1?taskHub=h&connection=Storage&code=SYSTEM-KEY", APP, "nightly-1"),
        (f"{APP}/{DURABLE}/nightly-1/terminate?reason=x&code=SYSTEM-KEY", APP, "nightly-1"),
        ("https://front.example/scoring/api/monitor#/runs/r-1", "https://front.example/scoring", "r-1"),
        (f"https://front.example/scoring/{DURABLE}/r-1", "https://front.example/scoring", "r-1"),
        ("https://front.example/scoring/", "https://front.example/scoring", None),
        ("http://127.0.0.1:7071/api/batch-runs/r-1", "http://127.0.0.1:7071", "r-1"),
    ],
)
def test_it_is_understood(copied: str, root: str, run_id: str | None) -> None:
    address = AppAddress.parse(copied)
    assert (address.root, address.run_id) == (root, run_id)
    assert looks_like_address(copied)


@pytest.mark.parametrize(
    "text", ["example", "ftp://a", "http://", "http://[::1", "http://a:99999", "http://a:b?code=k"]
)
def test_anything_else_is_refused_without_a_key_in_the_text(text: str) -> None:
    with pytest.raises(CommandFailed, match="is not the address of an app") as refusal:
        AppAddress.parse(text)
    assert "code=" not in str(refusal.value)


@pytest.mark.parametrize("run_id", ["nightly-1", "a.b_c-D", "http"])
def test_a_run_id_is_no_address(run_id: str) -> None:
    assert not looks_like_address(run_id)
