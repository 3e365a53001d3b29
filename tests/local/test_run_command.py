"""``make run``: what it prints, which files it leaves, and how it ends."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from local.host_process import ROOT
from tests.local.processes import child_of, end_of, lines_until, started

HEAD = "reading_id,time,kwh,outdoor_c,persons\n"
STRANGE = 'my [red]data[/] :smile: it\'s $HOME `x` "y" 100% #1?'
COLUMNS = "reading_id, kwh, outdoor_c, persons"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", "run", *arguments], capture_output=True, text=True, timeout=120
    )


def terminal(*arguments: str) -> "pexpect.spawn[str]":
    return pexpect.spawn(
        sys.executable,
        ["-m", "local", "run", *arguments],
        cwd=str(ROOT),
        env={**os.environ, "TERM": "xterm-256color", "LINES": "40", "COLUMNS": "250"},
        encoding="utf-8",
        timeout=60,
        dimensions=(40, 250),
    )


def folder_with(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "one.csv").write_text(text)
    return folder


def states() -> set[str]:
    folder = ROOT / ".local" / "runs"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return folder_with(tmp_path / "bad", "not,the,columns\n1,2,3\n")


def test_own_data_is_scored_into_the_given_file_whatever_the_names(tmp_path: Path) -> None:
    rows = "\n".join(f"r{number},2026-01-01T00:00,{number / 10},5.0,2" for number in range(30))
    folder = folder_with(tmp_path / STRANGE, f"{HEAD}{rows}\n")
    output = tmp_path / "out" / f"{STRANGE}.csv"
    done = run("--input", str(folder), "--output", str(output))

    assert done.returncode == 0, done.stderr + done.stdout
    predictions = output.read_text().splitlines()
    assert len(predictions) == 30
    assert all(re.fullmatch(r"one\.csv,r\d+,[01]\.\d{4},(normal|left_on)", row) for row in predictions)
    assert predictions[0] in done.stdout
    assert f"{folder} → {output}\n" in done.stdout
    assert f"Predictions: {output}\n" in done.stdout
    assert re.search(r"http://127\.0\.0\.1:\d+/api/batch-runs/run-", done.stdout)
    assert "\x1b[" not in done.stdout, "plain lines where there is no terminal"


@pytest.mark.parametrize("variable", ["input", "output"])
def test_make_passes_any_name_unchanged(variable: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(
        [
            "make",
            "--no-print-directory",
            "-n",
            "-o",
            ".venv/.installed",
            "run",
            f"{variable.upper()}={STRANGE}",
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shlex.split(said.stdout)[1:] == ["-m", "local", "run", f"--{variable}={STRANGE}"]


def test_a_failing_job_is_reported_in_the_words_of_its_script(tmp_path: Path, bad: Path) -> None:
    done = run("--input", str(bad), "--output", str(tmp_path / "scores.csv"))

    assert done.returncode == 1
    assert "The run ended Failed" in done.stdout
    assert f"LookupError: one.csv has no column {COLUMNS}; each file needs {COLUMNS}" in done.stderr
    log = re.search(r"The job's log, (/\S+/log\.txt), ends with:\n", done.stderr)
    assert log
    assert Path(log[1]).read_text().splitlines()[-1] == done.stderr.splitlines()[-1].strip()
    assert "ml.azure.com" not in done.stdout + done.stderr
    assert not (tmp_path / "scores.csv").exists()


def test_on_a_terminal_the_reason_is_printed_once(bad: Path) -> None:
    screen = terminal("--input", str(bad))
    screen.expect(pexpect.EOF)
    screen.close()
    shown = str(screen.before)

    assert screen.exitstatus == 1
    assert "ml.azure.com" not in shown and "Studio" not in shown
    assert shown.count("The run ended Failed") == 1
    assert shown.count("The scoring script failed with exit code 1") == 1


def test_a_file_with_a_reading_that_is_not_a_number_is_named(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "in", f"{HEAD}r1,2026-01-01T00:00,much,5.0,2\n")
    done = run("--input", str(folder))

    assert done.returncode == 1
    assert "ValueError: one.csv: could not convert string to float: 'much'" in done.stderr


def test_a_script_that_returns_no_rows_is_reported(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "in", HEAD)
    (folder / "_SUCCESS").touch()
    done = run("--input", str(folder), "--output", str(tmp_path / "scores.csv"))

    assert done.returncode == 0, done.stderr
    assert "No predictions: the script returned no rows." in done.stdout
    assert "The first of" not in done.stdout


def test_bad_arguments_are_refused_before_anything_starts(tmp_path: Path) -> None:
    nested = folder_with(tmp_path / "outer" / "inner", HEAD).parent
    taken = tmp_path / "taken.csv"
    taken.write_text("here first\n")
    before = states()
    for arguments, reason in (
        (
            ("--input", str(nested)),
            f"INPUT has no files directly in it (nested folders are not walked): {nested}",
        ),
        (("--input", str(taken)), f"INPUT is not a folder: {taken}"),
        (
            ("--output", str(taken)),
            f"OUTPUT already exists, and a batch endpoint does not overwrite: {taken}",
        ),
    ):
        done = run(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{reason}\n")
    assert taken.read_text() == "here first\n"
    assert states() == before


def test_ctrl_c_offers_to_cancel_or_to_go_on_and_nothing_else() -> None:
    screen = terminal()
    screen.expect("Queued|Running")
    screen.sendintr()
    screen.expect_exact("Cancel the job (c), or go on watching (Enter)?")
    screen.sendline("c")
    screen.expect_exact("The run ended Canceled.")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 1


def test_a_second_ctrl_c_ends_run_and_machine() -> None:
    screen = terminal()
    screen.expect("Queued|Running")
    screen.sendintr()
    screen.expect_exact("go on watching (Enter)?")
    host = child_of(screen.pid, "functions_host")
    screen.sendintr()
    screen.expect_exact("has not ended. It stops now, with its host.")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 130
    with pytest.raises(ProcessLookupError):
        os.kill(host, 0)


def test_ctrl_c_while_the_machine_starts_leaves_nothing() -> None:
    before = states()
    with started("-m", "local", "run") as process:
        host = child_of(process.pid, "functions_host")
        process.send_signal(signal.SIGINT)
        assert end_of(process) == (130, "", "")

    with pytest.raises(ProcessLookupError):
        os.kill(host, 0)
    assert states() == before


@pytest.mark.parametrize("module", ["argparse", "requests", "rich.console"])
@pytest.mark.parametrize(
    "arguments", [("local", "run"), ("client", "follow", "x", "--url", "http://127.0.0.1:9")]
)
def test_ctrl_c_while_modules_are_imported_is_quiet(module: str, arguments: tuple[str, ...]) -> None:
    with started("-X", "importtime", "-m", *arguments) as process:
        lines_until(process.stderr, rf"\| +{re.escape(module)}\n")
        process.send_signal(signal.SIGINT)
        code, _, rest = end_of(process)

    assert code == 130
    assert [line for line in rest.splitlines() if not line.startswith("import time:")] == []
