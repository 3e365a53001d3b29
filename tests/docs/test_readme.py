"""The first commands of the README work as they are printed."""

import re
import subprocess
from pathlib import Path

from local.machine import LocalMachine, MachineConfig
from local.serve_command import PACE
from tests.docs.pages import ROOT
from tests.end_to_end.harness import App

README = (ROOT / "README.md").read_text()


def test_the_first_curls_work_as_they_are_printed(tmp_path: Path) -> None:
    section = README.partition("## The first curl")[2].partition("\n## ")[0]
    blocks = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 3
    with LocalMachine(MachineConfig(tmp_path / "machine", pace=PACE)) as machine:
        app = App(machine.url)
        for block in blocks[:2]:
            _run(block, machine)
        assert app.wait_for_end("first")["phase"] == "Completed"
        assert app.wait_for_end("second")["phase"] == "Canceled"
        assert "scored" in _run(blocks[2], machine)
        assert app.wait_for_end("second.2")["phase"] == "Completed"


def _run(block: str, machine: LocalMachine) -> str:
    command = block.replace("http://127.0.0.1:7071", machine.url).replace("curl -s", "curl -sf")
    done = subprocess.run(["bash", "-euc", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
