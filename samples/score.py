"""Scores electricity readings: the probability that a device was left on in this hour.

A scoring script as Azure ML batch deployments run it, on one machine or in Azure: ``init()`` once, then ``run()``
for each mini-batch of files. It needs no package. Files are CSV with the columns of ``COLUMNS``; an empty file has
no rows. Rows of the result: file, reading id, score (0 to 1), label.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from pathlib import Path
from typing import Any

COLUMNS = ("reading_id", "kwh", "outdoor_c", "persons")

_model: dict[str, Any] = {}


def init() -> None:
    folder = Path(os.environ["AZUREML_MODEL_DIR"])
    # Azure ML may add a folder for the registered model.
    _model.update(json.loads(next(folder.rglob("coefficients.json")).read_text(encoding="utf-8")))


def run(mini_batch: list[str]) -> list[str]:
    """One CSV row for each reading, for all files of the mini-batch.

    Raises ValueError, or LookupError for a missing column; both name the file.
    """
    rows = []
    for path in map(Path, mini_batch):
        try:
            rows += _score_file(path)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path.name}: {error}") from error
    return rows


def features(kwh: str, outdoor_c: str, persons: str) -> list[float]:
    """Consumption (kWh), degrees below 18 °C, persons at home."""
    return [float(kwh), max(0.0, 18.0 - float(outdoor_c)), float(persons)]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, x))))


def _score_file(path: Path) -> list[str]:
    rows = []
    with path.open(newline="", encoding="utf-8") as file:
        readings = csv.DictReader(file)
        missing = [column for column in COLUMNS if column not in (readings.fieldnames or COLUMNS)]
        if missing:
            raise LookupError(
                f"{path.name} has no column {', '.join(missing)}; each file needs {', '.join(COLUMNS)}"
            )
        for reading in readings:
            score = _score(features(reading["kwh"], reading["outdoor_c"], reading["persons"]))
            label = "left_on" if score >= _model["threshold"] else "normal"
            rows.append(_csv_row(path.name, reading["reading_id"], f"{score:.4f}", label))
    return rows


def _score(values: list[float]) -> float:
    scaled = zip(values, _model["mean"], _model["deviation"], _model["weights"], strict=True)
    return sigmoid(_model["bias"] + sum(w * (value - m) / d for value, m, d, w in scaled))


def _csv_row(*cells: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
