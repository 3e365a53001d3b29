"""Importing the app, against importing only the four packages that it must use, in fresh interpreters."""

import json
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measuring import Spread, run_python
from benchmarks.report import Bar, Figure

_GIVEN = "import azure.functions, azure.durable_functions, azure.identity, requests"
_APP = "import function_app"
_TIMED = """
import json, time
wall, cpu = time.perf_counter(), time.process_time()
{statement}
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
"""
_IMPORT_TIME = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", re.MULTILINE)
_SHOWN = 6


def figure(quick: bool) -> Figure:
    # An odd count of pairs, so that the median is one of the ratios; 21 take half a minute.
    pairs = 1 if quick else 21
    with tempfile.TemporaryDirectory() as folder:
        interpreter = _Interpreter(folder)
        for statement in (_GIVEN, _APP):
            interpreter.time(statement)
        samples = [_pair(interpreter, app_first=number % 2 == 1) for number in range(pairs)]
        added = _added(interpreter)
    given, app = ([pair[index] for pair in samples] for index in (0, 1))
    wall, cpu = ([pair[1][clock] / pair[0][clock] for pair in samples] for clock in (0, 1))
    return Figure(
        title="Cold start: import in a fresh interpreter, bytecode cached, without the interpreter's own start",
        columns=("", "elapsed, ms", "CPU, ms"),
        rows=[_row("the four given packages", given), _row("function_app", app)],
        bars=[
            Bar.of_ratios("function_app against the given packages, elapsed", wall, 1.25),
            Bar.of_ratios("function_app against the given packages, CPU", cpu, 1.25),
        ],
        notes=[
            f"{pairs} pairs; all ratios: {Spread.of(wall).text()} elapsed and {Spread.of(cpu).text()} CPU.",
            f"What the app adds (one traced import, ms): {added}.",
            "The app itself loads azure.identity for its first token only.",
        ],
    )


@dataclass(frozen=True, slots=True)
class _Interpreter:
    """Caches bytecode in the folder ``bytecode``, also where the environment forbids it: else each start would
    compile the app again, while installed packages are compiled already.
    """

    bytecode: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        storage = {"AzureWebJobsStorage__tableServiceUri": "https://runs.table.core.windows.net/"}
        return run_python(*arguments, **inherited, **storage, PYTHONPYCACHEPREFIX=self.bytecode)

    def time(self, statement: str) -> list[float]:
        """Elapsed and CPU seconds."""
        seconds: list[float] = json.loads(self.run("-c", _TIMED.format(statement=statement)).stdout)
        return seconds


def _pair(interpreter: _Interpreter, *, app_first: bool) -> tuple[list[float], list[float]]:
    """Samples of the given packages and of the app. The pairs take turns in their order."""
    if app_first:
        app = interpreter.time(_APP)
        return interpreter.time(_GIVEN), app
    return interpreter.time(_GIVEN), interpreter.time(_APP)


def _row(name: str, samples: Sequence[Sequence[float]]) -> list[str]:
    return [name, *(Spread.of([each[clock] * 1000 for each in samples]).text(0) for clock in (0, 1))]


def _added(interpreter: _Interpreter) -> str:
    traced = interpreter.run(
        "-X", "importtime", "-c", f"{_GIVEN}\nimport sys\nprint('---', file=sys.stderr)\n{_APP}"
    )
    microseconds: Counter[str] = Counter()
    for own, module in _IMPORT_TIME.findall(traced.stderr.partition("---")[2]):
        microseconds[module.partition(".")[0]] += int(own)
    return ", ".join(f"{name} {spent / 1000:.0f}" for name, spent in microseconds.most_common(_SHOWN))
