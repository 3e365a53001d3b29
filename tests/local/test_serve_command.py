"""``make serve``: what it prints, what it refuses, and what ends together."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.host_process import ROOT
from local.instance_lock import InUse, check_ports
from tests.end_to_end.harness import App, wait_for
from tests.local.processes import child_of, end_of, lines_until, started

LAST_LINE = "Ctrl-C stops everything"


def free_port() -> int:
    """A free port; the ports of Azure ML, the topic and the receiver after it are free too."""
    for port in range(20_000 + os.getpid() % 10_000, 60_000, 20):
        try:
            check_ports(port, *range(port + 10, port + 18))
        except InUse:
            continue
        return port
    raise AssertionError("no ports are free")


def command(port: int, state: Path, *options: str) -> list[str]:
    return ["-m", "local", "serve", "--port", str(port), "--state", str(state), *options]


@contextmanager
def serving(
    port: int, state: Path, *options: str, **environment: str
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The process and what it printed, once it is ready."""
    with started(*command(port, state, *options), limit=600.0, environment=environment) as process:
        yield process, "".join(lines_until(process.stdout, LAST_LINE))


def refusal(port: int, state: Path, *options: str, **environment: str) -> str:
    with started(*command(port, state, *options), environment=environment) as process:
        code, output, errors = end_of(process)
    assert (code, output) == (1, "")
    assert "Errno" not in errors and "Traceback" not in errors
    return errors


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path, str]]:
    port, state = free_port(), tmp_path_factory.mktemp("serve")
    with serving(port, state) as (_, printed):
        yield port, state, printed


def test_the_printed_commands_pasted_together_start_a_run_that_completes(
    served: tuple[int, Path, str],
) -> None:
    port, _, printed = served
    copied = "\n".join(re.findall(r"^  (?!cp )(.*)$", printed, re.MULTILINE))
    subprocess.run(["bash", "-euc", copied], capture_output=True, check=True, timeout=60)
    app = App(f"http://127.0.0.1:{port}")

    assert f"-X POST {app.url}/api/batch-runs/another/cancel" in copied
    assert app.wait_for_end("first")["phase"] == "Completed"


def test_the_path_of_job_logs_is_printed(served: tuple[int, Path, str]) -> None:
    port, _, printed = served
    app = App(f"http://127.0.0.1:{port}")
    job = app.wait_for_end(app.start())["job"]["name"]
    place = re.search(r"^What the scoring script of each job prints is in (/.*)\.$", printed, re.MULTILINE)

    assert place
    assert "scored 4 of 4 files" in Path(place[1].replace("*", job)).read_text()


def test_the_end_of_a_run_is_told_to_a_receiver_of_this_machine(served: tuple[int, Path, str]) -> None:
    port, state, printed = served
    app = App(f"http://127.0.0.1:{port}")
    run_id = app.start()
    assert f"and a file in {state}/notification_events." in printed
    [file] = wait_for(
        "the file of its event", lambda: list((state / "notification_events").glob(f"{run_id}-*.json"))
    )
    event = json.loads(file.read_text())
    assert (event["type"], event["subject"]) == ("BatchEndpointRun.Completed", run_id)


def test_a_second_make_serve_names_the_first(served: tuple[int, Path, str]) -> None:
    _, state, _ = served
    assert refusal(free_port(), state) == (
        f"Another make serve seems to be running: it uses {state}. Stop it first.\n"
    )


def test_a_port_in_use_is_named_and_another_one_offered(tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        reason = refusal(port, tmp_path / "state")
    assert f"port {port} of 127.0.0.1" in reason
    assert f"make serve PORT={port + 100}" in reason


@pytest.mark.parametrize("port", ["abc", "0", "70000", "²"])
def test_what_is_no_port_is_named(port: str, tmp_path: Path) -> None:
    with started("-m", "local", "serve", "--port", port) as process:
        code, _, errors = end_of(process)
    assert (code, errors.splitlines()[-1].partition("argument ")[2]) == (
        2,
        f"--port: {port} is not a port from 1 to 65518",
    )


@pytest.mark.parametrize(
    ("variable", "option"),
    [
        ("PORT=7072", "--port='7072'"),
        ("RULES=my rules.json", "--rules='my rules.json'"),
        ("STORAGE=hierarchical", "--storage='hierarchical'"),
    ],
)
def test_make_passes_its_variables_on(variable: str, option: str) -> None:
    said = subprocess.run(
        ["make", "--no-print-directory", "-n", "-o", ".venv/.installed", "serve", variable],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split("-m local serve")[1].strip() == option


RULES = [
    {
        "container": "readings",
        "prefix": "hourly/",
        "suffix": ".csv",
        "start": "file",
        "input_uri": "azureml://datastores/lake/paths/{path}",
        "output_uri": "azureml://datastores/lake/paths/scores/{run_id}.csv",
        "endpoint_uri": "https://energy.westeurope.inference.ml.azure.com/jobs",
        "deployment": "v2",
        "poll_interval": 1,
    },
    {"container": "sensors", "start": "marker", "poll_interval": 1},
]


def test_rules_that_will_be_deployed_start_runs_here(tmp_path: Path) -> None:
    port, state, file = free_port(), tmp_path / "state", tmp_path / "rules.json"
    file.write_text(json.dumps(RULES))
    with serving(port, state, "--rules", str(file), "--storage", "hierarchical") as (_, printed):
        app = App(f"http://127.0.0.1:{port}")
        assert (
            f"Each file of readings/hourly/ with *.csv starts a run. Put files into {state}/readings/hourly/"
            in printed
        )
        assert f"starts a run when _SUCCESS comes into it. Put files into {state}/sensors/" in printed
        assert f"The datastore lake is {state}/readings." in printed
        assert (
            "the local endpoint takes the place of https://energy.westeurope.inference.ml.azure.com/jobs"
            in printed
        )
        assert "the local endpoint has no deployment v2; its default one scores" in printed
        assert "incoming" not in printed

        folder = state / "readings" / "hourly"
        folder.mkdir()
        shutil.copy(sorted((ROOT / "samples" / "data").glob("*.csv"))[0], folder / "date=2026-01-31.csv")
        run_id = wait_for("a run", lambda: [run["run_id"] for run in app.list().json()["runs"]])[0]
        run = app.wait_for_end(run_id)

    assert run["phase"] == "Completed", run
    assert run["source"]["names"] == ["date=2026-01-31.csv"]
    assert (state / "readings" / "scores" / f"{run_id}.csv").exists()


def test_a_data_lake_account_renames_files_and_creates_markers(tmp_path: Path) -> None:
    port, state = free_port(), tmp_path / "state"
    rules = [
        {"container": "readings", "start": "folder", "quiet_seconds": 1, "poll_interval": 1},
        {"container": "sensors", "start": "marker", "poll_interval": 1},
    ]
    with serving(port, state, "--storage", "hierarchical", NEW_DATA_RULES=json.dumps(rules)):
        app = App(f"http://127.0.0.1:{port}")
        attempt = state / "readings" / "out" / "_temporary" / "0"
        shutil.copytree(ROOT / "samples" / "data", attempt)
        (state / "sensors" / "monday").mkdir()
        (state / "sensors" / "monday" / "_SUCCESS").touch()
        log = state / "host.log"
        wait_for("the attempt's files to be ignored", lambda: "_temporary" in log.read_text())
        for file in attempt.iterdir():
            file.rename(state / "readings" / "out" / file.name)

        def folders() -> set[str] | None:
            found = {run["source"]["folder"] for run in app.list().json()["runs"] if run["source"]}
            return found if len(found) == 2 else None

        assert wait_for("both runs", folders) == {"out", "monday"}


def test_plain_settings_of_the_environment_are_a_rule(tmp_path: Path) -> None:
    port, state = free_port(), tmp_path / "state"
    with serving(port, state, NEW_DATA_START="file", NEW_DATA_SUFFIX=".txt") as (_, printed):
        assert f"Each file of incoming/ with *.txt starts a run. Put files into {state}/incoming/" in printed
        (state / "incoming" / "a.txt").write_text("reading_id,kwh,outdoor_c,persons\n")
        app = App(f"http://127.0.0.1:{port}")
        wait_for("a run", lambda: app.list().json()["runs"])


@pytest.mark.parametrize(
    ("rules", "environment", "said"),
    [
        (
            '[{"container": "readings"}, {"container": "readings", "start": "marker", "suffix": ".csv"}]',
            {},
            "App setting NEW_DATA_RULES, rule 1, as a whole: suffix has no meaning where a marker starts the run.\n",
        ),
        ("[", {}, "App setting NEW_DATA_RULES is not JSON: "),
        ("", {}, "RULES: {file} is empty. A file without rules holds [].\n"),
        (None, {}, "RULES: {file} cannot be read: No such file or directory.\n"),
        (
            "[]",
            {"NEW_DATA_START": "file"},
            "The rules are in {file}, and there is also NEW_DATA_START."
            " Unset what is in the environment, or leave out RULES.\n",
        ),
    ],
)
def test_wrong_rules_are_refused_in_the_words_of_the_app(
    rules: str | None, environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "rules.json"
    if rules is not None:
        file.write_text(rules)
    reason = refusal(free_port(), tmp_path / "state", "--rules", str(file), **environment)
    assert reason.startswith(said.format(file=file))
    assert not (tmp_path / "state").exists()


def test_it_ends_with_its_host_and_its_host_with_it(tmp_path: Path) -> None:
    port, state = free_port(), tmp_path / "state"

    def is_free() -> bool:
        try:
            check_ports(port)
        except InUse:
            return False
        return True

    with serving(port, state) as (process, _):
        process.kill()
        wait_for("end of the host whose parent was killed", is_free)
    with serving(port, state) as (process, _):
        os.kill(child_of(process.pid, "functions_host"), signal.SIGKILL)
        code, _, errors = end_of(process)
        assert code == 1
        assert errors.startswith(f"The Functions host was ended by SIGKILL. {state}/host.log ends with:\n")
        assert f"Host ready: http://127.0.0.1:{port}\n" in errors
    with serving(port, state) as (process, _):
        process.send_signal(signal.SIGINT)
        assert end_of(process) == (0, "", "")
