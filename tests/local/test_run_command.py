"""``make run``: what it prints, what it leaves, and how it ends."""

import re
import subprocess
import sys
from pathlib import Path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", "run", *arguments], capture_output=True, text=True, timeout=120
    )


def test_own_data_is_scored_into_the_file_asked_for(tmp_path: Path) -> None:
    folder, output = tmp_path / "readings", tmp_path / "out" / "scores.csv"
    folder.mkdir()
    rows = "\n".join(f"r{number},2026-01-01T00:00,{number / 10},5.0,2" for number in range(30))
    (folder / "one.csv").write_text(f"reading_id,time,kwh,outdoor_c,persons\n{rows}\n")
    done = run("--input", str(folder), "--output", str(output))

    assert done.returncode == 0, done.stderr + done.stdout
    predictions = output.read_text().splitlines()
    assert len(predictions) == 30
    assert all(re.fullmatch(r"one\.csv,r\d+,[01]\.\d{4},(normal|left_on)", row) for row in predictions)
    assert predictions[0] in done.stdout
    assert str(output) in done.stdout
    assert re.search(r"http://127\.0\.0\.1:\d+/api/batch-runs/run-", done.stdout)
    assert "\x1b[" not in done.stdout, "plain lines where there is no terminal"


def test_a_failing_job_is_reported_and_the_exit_code_says_so(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.csv").write_text("not,the,columns\n1,2,3\n")
    done = run("--input", str(tmp_path / "in"), "--output", str(tmp_path / "scores.csv"))

    assert done.returncode == 1
    assert "The run ended Failed" in done.stdout
    assert not (tmp_path / "scores.csv").exists()


def test_an_output_that_exists_is_refused_before_anything_starts(tmp_path: Path) -> None:
    taken = tmp_path / "taken.csv"
    taken.write_text("here first\n")
    done = run("--output", str(taken))

    assert done.returncode == 1
    assert str(taken) in done.stderr
    assert taken.read_text() == "here first\n"
