"""The command that follows a run, with and without a terminal."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from aiohttp import web

from client.follow import PATIENCE
from client.run_client import NotReadable, RunClient
from functions_host.durable.steered_clock import ClockFile
from local.azure_ml import ControlClient
from local.host_process import ROOT
from tests.end_to_end.harness import App
from tests.local.processes import end_of, lines_until, started
from tests.waiting import LIMIT, wait_for

AMBER = "\x1b[33m"
NOBODY = "http://127.0.0.1:9"
KEY = "s3cr3t-function-key"
TOKEN = "s3cr3t-access-token"


def command(app: App, run_id: str, *arguments: str) -> list[str]:
    return ["-m", "client", "follow", run_id, "--url", app.url, "--interval", "0.1", *arguments]


def follow(app: App, run_id: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Without a terminal."""
    return subprocess.run(
        [sys.executable, *command(app, run_id, *arguments)],
        cwd=ROOT,
        env={**os.environ, "BATCH_FUNCTION_KEY": KEY, "BATCH_FUNCTION_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def terminal(app: App, run_id: str) -> "pexpect.spawn[str]":
    return on_terminal(command(app, run_id))


def on_terminal(arguments: list[str], columns: int = 200) -> "pexpect.spawn[str]":
    lines = 40
    size = {"LINES": str(lines), "COLUMNS": str(columns)}
    return pexpect.spawn(
        sys.executable,
        arguments,
        cwd=str(ROOT),
        env={
            **os.environ,
            **size,
            "TERM": "xterm-256color",
            "BATCH_FUNCTION_KEY": KEY,
            "BATCH_FUNCTION_TOKEN": TOKEN,
        },
        encoding="utf-8",
        timeout=LIMIT,
        dimensions=(lines, columns),
        # Background processes of a shell ignore Ctrl-C, and their children inherit that. This test run may be one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_without_a_terminal_it_prints_plain_lines(app: App) -> None:
    run_id = app.start()
    shown = follow(app, run_id)
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = shown.stdout.splitlines()
    assert "\x1b" not in shown.stdout
    # Durable time, which other tests skip, may be far ahead of the machine's time at which the run was added.
    spent = r" *([\d.]+ s|[\d:]+)  "
    assert re.fullmatch(spent + r"Completed   job \S+ Completed  checks \d+", lines[-1])
    changes = [re.sub(spent, "", line, count=1).partition("  checks")[0] for line in lines]
    assert len(set(changes)) == len(changes)


def test_with_json_each_line_is_the_view_of_the_run(app: App) -> None:
    run_id = app.start()
    shown = follow(app, run_id, "--json")
    views: list[dict[str, Any]] = [json.loads(line) for line in shown.stdout.splitlines()]
    assert shown.returncode == 0
    assert views[-1] == app.run(run_id)
    assert {view["run_id"] for view in views} == {run_id}


def test_the_exit_code_says_how_the_run_ended(app: App, control: ControlClient, clock: ClockFile) -> None:
    failed = app.start(endpoint_input_uri="azureml://datastores/samples/paths/nothing/")
    shown = follow(app, failed)
    assert shown.returncode == 1
    assert app.run(failed)["error"]["message"] in shown.stderr
    assert app.run(failed)["error"]["advice"] in shown.stderr

    control.hold("Running")
    canceled, timed_out = app.start(), app.start(timeout=1_800)
    app.wait_for_phase(canceled, "Running")
    app.cancel(canceled)
    assert follow(app, canceled).returncode == 3
    clock.skip(1_800)
    assert follow(app, timed_out).returncode == 4


def test_an_unknown_run_ends_at_once(app: App) -> None:
    shown = follow(app, "nobody")
    assert (shown.returncode, shown.stdout) == (5, "")
    assert shown.stderr == "There is no run nobody.\n"


def test_a_problem_is_printed_when_it_appears_and_when_it_has_passed(
    app: App, control: ControlClient
) -> None:
    fault = control.fault("get_job", "answer", status=503, body="text", times=None)
    run_id = app.start(deployment="noop")
    with started(*command(app, run_id)) as process:
        lines_until(process.stdout, r"job \S+ \w+  problem service_unavailable  checks \d+$")
        control.remove_fault(fault)
        lines_until(process.stdout, r"job \S+ \w+  service_unavailable has passed  checks \d+$")
        code, rest, _ = end_of(process)
    assert code == 0
    assert "service_unavailable" not in rest


def test_a_problem_is_amber_on_a_terminal(app: App, control: ControlClient) -> None:
    text = "Upstream is down"
    fault = control.fault("get_job", "answer", status=503, body="text", text=text, times=None)
    run_id = app.start(deployment="noop")
    screen = terminal(app, run_id)
    screen.expect(rf"problem\s+{re.escape(AMBER)}[^\x1b]*{text}")
    screen.expect("the app retries this step")
    control.remove_fault(fault)
    screen.expect("Completed")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 0


def test_on_a_terminal_an_error_is_shown_once(app: App) -> None:
    run_id = app.start(endpoint_input_uri="azureml://datastores/samples/paths/nothing/")
    advice = app.wait_for_end(run_id)["error"]["advice"]
    screen = terminal(app, run_id)
    screen.expect(pexpect.EOF)
    screen.close()
    # A redraw erases the block before it.
    left_on_screen = str(screen.before).rpartition("\x1b[J")[2]
    assert screen.exitstatus == 1
    assert left_on_screen.count(" ".join(advice.split()[:8])) == 1


def test_on_a_terminal_one_block_is_redrawn_until_the_end(app: App, control: ControlClient) -> None:
    hold = control.hold("Running")
    run_id = app.start()
    screen = terminal(app, run_id)
    screen.expect("Running")
    screen.expect("elapsed")
    screen.expect("checks")
    control.release(hold)
    screen.expect("Completed")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 0


@pytest.mark.parametrize(("answer", "phase", "exit_code"), [("c", "Canceled", 3), ("l", "Running", 130)])
def test_ctrl_c_asks_whether_to_cancel_the_job_or_to_leave_it(
    app: App, control: ControlClient, answer: str, phase: str, exit_code: int
) -> None:
    control.hold("Running")
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    screen = terminal(app, run_id)
    screen.expect("elapsed")
    screen.sendintr()
    screen.expect_exact("go on watching (Enter)?")
    screen.sendline(answer)
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == exit_code
    assert app.run(run_id)["phase"] == phase
    app.cancel(run_id)


def test_ctrl_c_and_enter_go_on_watching(app: App, control: ControlClient) -> None:
    hold = control.hold("Running")
    run_id = app.start()
    screen = terminal(app, run_id)
    screen.expect("Running")
    screen.sendintr()
    screen.expect_exact("go on watching (Enter)?")
    screen.sendline("")
    screen.expect("elapsed")
    control.release(hold)
    screen.expect("Completed")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 0


def test_a_second_ctrl_c_ends_the_command(app: App, control: ControlClient) -> None:
    control.hold("Running")
    run_id = app.start()
    screen = terminal(app, run_id)
    screen.expect("Running")
    screen.sendintr()
    screen.expect_exact("go on watching (Enter)?")
    screen.sendintr()
    screen.expect_exact(f"Run {run_id} continues.")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 130
    app.cancel(run_id)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:7071", "ftp://example", "http://", "http://[::1", "http://a:99999"]
)
def test_an_error_in_the_address_is_not_transient(url: str) -> None:
    with pytest.raises(NotReadable) as refusal:
        RunClient(url).run("one")
    assert not refusal.value.transient


def test_a_wrong_address_is_refused_at_once() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "client", "follow", "x", "--url", "example"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE / 2,
    )
    assert (shown.returncode, shown.stdout) == (5, "")
    assert (
        shown.stderr
        == "'example' is not the address of an app. An address is http://<host> or https://<host>.\n"
    )


def test_an_app_that_has_not_answered_yet_is_reported_and_ctrl_c_leaves_silently() -> None:
    screen = on_terminal(["-m", "client", "follow", "x", "--url", NOBODY])
    screen.expect(rf"{NOBODY} does not answer: connection refused; trying until \d\d:\d\d:\d\d")
    screen.sendintr()
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 130
    assert not [word for word in ("Traceback", "continues", "Cancel") if word in str(screen.before)]


@pytest.mark.parametrize(("arguments", "stream"), [((), "stdout"), (("--json",), "stderr")])
def test_an_app_that_has_not_answered_yet_is_reported_without_a_terminal(
    arguments: tuple[str, ...], stream: str
) -> None:
    with started("-m", "client", "follow", "x", "--url", NOBODY, *arguments) as process:
        lines_until(
            getattr(process, stream),
            rf"^{NOBODY} does not answer: connection refused; trying until [\d:]{{8}}$",
        )
        process.send_signal(signal.SIGINT)
        assert end_of(process) == (130, "", "")


def test_the_command_works_from_any_folder_and_through_a_link(app: App, tmp_path: Path) -> None:
    link = tmp_path / "follow-run"
    link.symlink_to(ROOT / "tools" / "follow")
    (tmp_path / "client.py").write_text("raise SystemExit('replaced the project')")
    run_id = app.start(deployment="noop")
    shown = subprocess.run(
        [str(link), run_id, "--url", app.url, "--interval", "0.1"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Completed" in shown.stdout.splitlines()[-1]


class Deployed:
    """An app that requires a key, and redirects requests for ``/moved``."""

    def __init__(self) -> None:
        self.keys: list[str | None] = []
        self.logins: list[str | None] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("x-functions-key"))
        self.logins.append(request.headers.get("Authorization"))
        if request.match_info["run_id"] == "moved":
            raise web.HTTPTemporaryRedirect(f"{self.url}/api/batch-runs/known")
        if self.keys[-1] != KEY:
            return web.Response(status=401)
        return web.json_response({"run_id": "known"})


@pytest.fixture
async def deployed() -> AsyncIterator[Deployed]:
    app = Deployed()
    application = web.Application()
    application.router.add_get("/api/batch-runs/{run_id}", app.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    app.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield app
    await runner.cleanup()


async def ask(client: RunClient, run_id: str) -> Any:
    return await asyncio.to_thread(client.run, run_id)


@pytest.mark.parametrize("suffix", ["", "/", "/api", "/api/"])
async def test_the_key_is_sent_in_a_header(deployed: Deployed, suffix: str) -> None:
    client = RunClient(deployed.url + suffix, KEY)
    assert await ask(client, "known") == {"run_id": "known"}
    assert (deployed.keys, deployed.logins) == ([KEY], [None])
    assert KEY not in repr(client)


async def test_the_token_is_sent_besides_the_key(deployed: Deployed) -> None:
    client = RunClient(deployed.url, KEY, TOKEN)
    assert await ask(client, "known") == {"run_id": "known"}
    assert (deployed.keys, deployed.logins) == ([KEY], [f"Bearer {TOKEN}"])
    assert TOKEN not in repr(client)


async def test_a_password_of_the_same_host_does_not_replace_the_token(
    deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / "netrc"
    passwords.write_text("machine 127.0.0.1 login someone password something\n")
    monkeypatch.setenv("NETRC", str(passwords))
    await ask(RunClient(deployed.url, KEY, TOKEN), "known")
    assert deployed.logins == [f"Bearer {TOKEN}"]


async def test_a_refused_key_is_reported_but_not_printed(deployed: Deployed) -> None:
    with pytest.raises(NotReadable, match=r"refuses the request \(401\). Set BATCH_FUNCTION_KEY") as refusal:
        await ask(RunClient(deployed.url, "wrong-key", "old-token"), "known")
    assert "BATCH_FUNCTION_TOKEN to a token for it" in str(refusal.value)
    assert not [secret for secret in ("wrong-key", "old-token") if secret in str(refusal.value)]
    assert not refusal.value.transient


async def test_redirects_are_not_followed(deployed: Deployed) -> None:
    with pytest.raises(NotReadable, match="answered 307"):
        await ask(RunClient(deployed.url, KEY, TOKEN), "moved")
    assert deployed.keys == [KEY]


@pytest.mark.parametrize("secrets", [{"key": KEY}, {"token": TOKEN}], ids=lambda secrets: next(iter(secrets)))
def test_neither_key_nor_token_is_sent_without_tls(secrets: dict[str, str]) -> None:
    with pytest.raises(NotReadable, match="is not https, so no key and no token is sent there"):
        RunClient("http://my-app.example", **secrets).run("one")


@pytest.mark.parametrize("name", ["key", "token"])
@pytest.mark.parametrize(
    "secret", ["\u201cs3cr3t\u201d", "s3cr3t\n"], ids=["typographic quotes", "two lines"]
)
def test_what_fits_in_no_header_is_reported_but_not_printed(
    deployed: Deployed, name: str, secret: str
) -> None:
    with pytest.raises(NotReadable, match="the key or the token is not of a valid form") as error:
        RunClient(deployed.url, **{name: secret}).run("one")
    assert "s3cr3t" not in str(error.value)
    assert not error.value.transient


def test_an_app_that_does_not_answer_is_a_transient_error() -> None:
    with pytest.raises(NotReadable, match="does not answer") as error:
        RunClient("http://127.0.0.1:9").run("one")
    assert error.value.transient


def test_key_and_token_are_printed_nowhere(app: App) -> None:
    run_id = app.start()
    for arguments in ((), ("--json",)):
        shown = follow(app, run_id, *arguments)
        assert not [secret for secret in (KEY, TOKEN) if secret in shown.stdout + shown.stderr]


@pytest.mark.parametrize("columns", [100, 44])
def test_what_is_to_be_copied_is_whole_on_a_terminal_of_any_width(app: App, columns: int) -> None:
    run_id = app.start(endpoint_input_uri="azureml://datastores/samples/paths/nothing/")
    view = app.wait_for_end(run_id)
    screen = on_terminal(command(app, run_id), columns=columns)
    screen.expect(pexpect.EOF)
    screen.close()
    left_on_screen = re.sub(r"\x1b\[[\d;?]*\w", "", str(screen.before).rpartition("\x1b[J")[2])
    assert "\N{HORIZONTAL ELLIPSIS}" not in left_on_screen
    assert view["job"]["studio_url"] in left_on_screen.splitlines()
    assert view["job"]["name"] in re.sub(r"\s+", "", left_on_screen)


def test_a_missing_role_comes_with_the_command_that_gives_it(app: App, control: ControlClient) -> None:
    control.fault("invoke", "answer", status=403, body="text", text="No role.", times=None)
    run_id = app.start()
    identity = wait_for("the refusal", lambda: app.run(run_id)["problem"] and app.run(run_id)["identity"])
    screen = on_terminal(command(app, run_id))
    screen.expect("az role assignment create")
    screen.expect_exact(identity["object_id"])
    screen.sendintr()
    screen.expect_exact("go on watching (Enter)?")
    screen.sendline("l")
    screen.expect(pexpect.EOF)
    screen.close()
    assert f"{app.run(run_id)['problem']['command']}\r\n" in str(screen.before)
    app.cancel(run_id)


def test_a_cancel_that_fails_does_not_speak_of_a_second_run(app: App, control: ControlClient) -> None:
    control.hold("Running")
    fault = control.fault("cancel", "answer", status=503, body="text", text="Busy.", times=None)
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    app.cancel(run_id)
    advice = wait_for(
        "the refusal of the cancel",
        lambda: (view := app.run(run_id))["problem"] and view["cancellation"] and view["problem"]["advice"],
    )
    assert "the job goes on and costs money" in advice
    assert "second run" not in advice
    control.remove_fault(fault)
    app.wait_for_phase(run_id, "Canceled")


def test_the_runs_under_way_are_listed_and_one_of_their_addresses_is_followed(
    app: App, control: ControlClient
) -> None:
    hold = control.hold("Running")
    run_id = app.start(deployment="noop")
    app.wait_for_phase(run_id, "Running")
    tool = str(ROOT / "tools" / "follow")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [tool, *arguments], env=environment, capture_output=True, text=True, timeout=120
        )

    listed = call("--url", f"{app.url}/api/monitor?phase=Running")
    assert listed.returncode == 0
    assert re.search(rf"^{run_id} +Running +\S.* batchjob-\S+ Running$", listed.stdout, re.MULTILINE)
    assert listed.stderr == f"To follow one: {tool} RUN\n"
    control.release(hold)
    followed = call(f"{app.url}/api/monitor#/runs/{run_id}", "--interval", "0.1")
    assert (followed.returncode, followed.stderr) == (0, "")
    assert call("--help").stdout.startswith(f"usage: {tool} [-h]")
