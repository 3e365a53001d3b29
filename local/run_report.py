"""Reports how a run of ``make run`` ended: the first predictions, or the reason and the end of the log."""

import shutil
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from local.last_lines import last_lines
from local.machine import LocalMachine

FIRST_ROWS = 5

console = Console(soft_wrap=True, highlight=False)


def report(
    machine: LocalMachine, view: dict[str, Any], links: dict[str, str], predictions: Path, output: Path
) -> int:
    """Copies the predictions to ``output``. 0 only if the run is Completed."""
    console.print()
    if view["phase"] != "Completed":
        console.print(Text(f"The run ended {view['phase']}.", style="red"))
        print(_reason(machine, view), file=sys.stderr)
        return 1
    with output.open("xb") as target, predictions.open("rb") as source:
        shutil.copyfileobj(source, target)
    rows = output.read_text(encoding="utf-8").splitlines()
    first = (
        f"The first of {len(rows)} predictions:" if rows else "No predictions: the script returned no rows."
    )
    console.print(Text.assemble(("Completed", "green"), f" after {view['checks']} checks. {first}"))
    for row in rows[:FIRST_ROWS]:
        print(f"  {row}")
    print(f"\nPredictions: {output}")
    print("Status URLs of this run (the host stops now; make serve keeps one running):")
    for name in ("runUri", "statusQueryGetUri"):
        print(f"  {links[name]}")
    return 0


def _reason(machine: LocalMachine, view: dict[str, Any]) -> str:
    """The error of the job if there is one, with the exit code of its script."""
    said = view["error"]["message"] if view["error"] else ""
    if view["phase"] == "Canceled":
        return said
    if view["job"] is None:
        return f"{said}\nThe host's log is {machine.host.log}"
    reason = machine.control.job(view["job"]["name"])["error"] or said
    log = machine.job_log(view["job"]["name"])
    end = last_lines(log) if log.exists() else ""
    # A job whose script did not run logs its error and nothing else.
    if end.strip() in ("", reason):
        return str(reason)
    return f"{reason}\nThe job's log, {log}, ends with:\n{end}"
