"""Runs a scoring script over its files, as one process for each job.

Follows the rules of batch deployments with the output action ``append_row``: ``init()`` once,
``run(mini_batch)`` with a list of paths, its result a list or a DataFrame, each element one row of the
predictions file (no header). Reads a specification (JSON) from the file named by its argument, and leaves
the count of rows in the file ``rows`` in the same folder.
"""

import csv
import importlib.util
import json
import os
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

ROWS = "rows"


def _end_with_parent() -> None:
    """Exits when the service has ended: standard input is a pipe from that process."""
    os.read(0, 1)
    os._exit(1)


def _load(script: Path) -> ModuleType:
    sys.path.insert(0, str(script.parent))
    spec = importlib.util.spec_from_file_location("scoring_script", script)
    if spec is None or spec.loader is None:
        raise ImportError(f"{script} cannot be loaded as a Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def append_rows(result: Any, predictions: TextIO) -> int:
    """Appends what ``run`` returned: texts unchanged, sequences as CSV. Returns the count of rows."""
    if hasattr(result, "to_csv"):
        result.to_csv(predictions, header=False, index=False)
        return len(result)
    if not isinstance(result, list):
        raise TypeError(f"run() must return a list or a DataFrame, it returned {type(result).__name__}")
    writer = csv.writer(predictions, lineterminator="\n")
    for row in result:
        if isinstance(row, (list, tuple)):
            writer.writerow(row)
        else:
            predictions.write(f"{row}\n")
    return len(result)


def main(specification: Path) -> None:
    job = json.loads(specification.read_text())
    files: list[str] = job["files"]
    size: int = job["mini_batch_size"]
    module = _load(Path(job["script"]))
    module.init()
    rows = 0
    with Path(job["predictions"]).open("w", newline="") as predictions:
        for start in range(0, len(files), size):
            mini_batch = files[start : start + size]
            rows += append_rows(module.run(mini_batch), predictions)
            print(f"scored {start + len(mini_batch)} of {len(files)} files", flush=True)
    (specification.parent / ROWS).write_text(str(rows))


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    main(Path(sys.argv[1]))
