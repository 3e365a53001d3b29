"""Ctrl-C in the middle of a hook."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.infra.hooks.environments import GIVEN
from tests.infra.hooks.stub_azure import ROOT
from tests.infra.hooks.test_postdeploy import ENVIRONMENT
from tests.waiting import wait_for


@pytest.mark.parametrize(
    ("hook", "environment", "last_line"),
    [
        ("preprovision", GIVEN, "Interrupted. Nothing was changed in Azure."),
        (
            "postdeploy",
            {**ENVIRONMENT, "WORKSPACE_ROLE": "None"},
            "Interrupted. What has begun in Azure goes on there. Then: azd hooks run postdeploy",
        ),
    ],
)
def test_ctrl_c_ends_a_hook_with_one_line_and_leaves_nothing(
    tmp_path: Path, hook: str, environment: Mapping[str, str], last_line: str
) -> None:
    """The hook waits for its last call of az: postdeploy has the parameter file then."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    program = tmp_path / "az"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *"deployment sub"*|*"group list"*) : > {tmp_path}/hangs; exec sleep 60;; esac\n'
    )
    program.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-m", f"infra.hooks.{hook}"],
        cwd=ROOT,
        env={
            **environment,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "TMPDIR": str(temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        wait_for("the call that hangs", (tmp_path / "hangs").exists)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")
    assert output.splitlines()[-1] == last_line
    assert list(temporary.iterdir()) == []
