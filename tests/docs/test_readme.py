"""The README's links lead somewhere, its curl works; its tables of fields and settings are in docs/."""

import re
import subprocess
from pathlib import Path

from batch.api.request import BatchRunRequest
from local.machine import LocalMachine, MachineConfig
from local.serve_command import PACE
from tests.end_to_end.harness import App

README = Path("README.md").read_text()
REQUEST = Path("docs/http-api.md").read_text().partition("## Request")[2].partition("\n## ")[0]
SETTINGS = Path("docs/settings.md").read_text()
SOURCES = [Path("batch/settings.py"), Path("batch/new_data/settings.py")]


def test_every_request_field_is_in_the_table_with_its_default() -> None:
    rows = [line for line in REQUEST.splitlines() if line.startswith("|")]
    for name, field in BatchRunRequest.model_fields.items():
        row = next((line for line in rows if f"`{name}`" in line.split("|")[1]), "")
        assert row, f"{name} is not in the table"
        if isinstance(field.default, int):
            assert str(field.default) in row.replace(" ", ""), row
        elif isinstance(field.default, str):
            assert f"`{field.default}`" in row, row


def test_every_setting_that_the_code_reads_is_in_the_table() -> None:
    names = {name for path in SOURCES for name in re.findall(r'"([A-Z][A-Z_]{6,})"', path.read_text())}
    assert {"BATCH_ENDPOINT_URI", "NEW_DATA_OUTPUT_URI", "RUN_RETENTION_DAYS"} <= names
    for name in names:
        assert f"`{name}`" in SETTINGS or f"`{name.removeprefix('NEW_DATA')}`" in SETTINGS, name


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    local = [link for link in links if not link.startswith("http")]
    assert len(local) > 5
    assert [link for link in local if not Path(link).exists()] == []


def test_the_first_curls_work_as_they_are_printed(tmp_path: Path) -> None:
    section = README.partition("## The first curl")[2].partition("\n## ")[0]
    blocks = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 2
    with LocalMachine(MachineConfig(tmp_path / "machine", pace=PACE)) as machine:
        for block in blocks:
            command = block.replace("http://127.0.0.1:7071", machine.url).replace("curl -s", "curl -sf")
            done = subprocess.run(["bash", "-euc", command], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        app = App(machine.url)
        assert app.wait_for_end("first")["phase"] == "Completed"
        assert app.wait_for_end("second")["phase"] == "Canceled"
