"""An ``az`` on the PATH that records its calls and answers from a table."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
_PROGRAM = """#!{python}
import json, sys
from pathlib import Path
folder = Path({folder!r})
arguments = [one for one in sys.argv[1:] if one not in ("--output", "json", "--only-show-errors")]
call = " ".join(arguments)
files = {{one: Path(one[1:]).read_text() for one in arguments if one.startswith("@")}}
with (folder / "calls").open("a") as file:
    file.write(json.dumps([call, *files.values()]) + "\\n")
for part, message in json.loads((folder / "failures").read_text()).items():
    if part in call:
        sys.exit(message)
for part, answer in json.loads((folder / "answers").read_text()).items():
    if part in call:
        print(json.dumps(answer))
        break
"""


class Azure:
    """A call that contains a key of ``failures`` fails with that message; one of ``answers`` prints that JSON."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bin"
        self.path.mkdir()
        self._folder = folder
        self.failures: dict[str, str] = {}
        self.answers: dict[str, Any] = {}
        program = self.path / "az"
        program.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)))
        program.chmod(0o755)
        (folder / "calls").touch()

    @property
    def _recorded(self) -> list[list[str]]:
        return [json.loads(line) for line in (self._folder / "calls").read_text().splitlines()]

    @property
    def calls(self) -> list[str]:
        return [call for call, *_ in self._recorded]

    @property
    def parameter_file(self) -> dict[str, Any]:
        """That of the last call that names one."""
        return json.loads([files for _, *files in self._recorded if files][-1][0])  # type: ignore[no-any-return]

    def prepare(self) -> None:
        (self._folder / "failures").write_text(json.dumps(self.failures))
        (self._folder / "answers").write_text(json.dumps(self.answers))

    def run(
        self, hook: str, environment: Mapping[str, str], folder: Path = ROOT
    ) -> subprocess.CompletedProcess[str]:
        """As azd on Linux: ``python3 -m infra.hooks.<hook>`` in the folder of the project."""
        self.prepare()
        return run_hook(hook, {"PATH": str(self.path), **environment}, folder)


def run_hook(hook: str, environment: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"infra.hooks.{hook}"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
