"""Trains the sample model: logistic regression by gradient descent, on homes that are not in the sample data.

``python samples/train_model.py`` writes ``samples/model/coefficients.json``: one weight for each feature of
``score.features``, for features scaled by ``mean`` and ``deviation``.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from make_data import readings
from score import features, sigmoid

MODEL = Path(__file__).parent / "model" / "coefficients.json"
_SEED = 42
_HOMES = tuple(f"training-home-{number}" for number in range(12))
_STEPS = 300
_RATE = 1.0


def main() -> None:
    labelled = [pair for home in _HOMES for pair in readings(home, _SEED, hours=14 * 24)]
    raw = [
        features(str(reading.kwh), str(reading.outdoor_c), str(reading.persons)) for reading, _ in labelled
    ]
    labels = [1.0 if left_on else 0.0 for _, left_on in labelled]
    columns = list(zip(*raw, strict=True))
    mean = [statistics.fmean(column) for column in columns]
    deviation = [statistics.pstdev(column) for column in columns]
    rows = [[(value - m) / d for value, m, d in zip(row, mean, deviation, strict=True)] for row in raw]

    weights, bias = [0.0] * len(columns), 0.0
    for _ in range(_STEPS):
        errors = [
            sigmoid(bias + sum(w * x for w, x in zip(weights, row, strict=True))) - label
            for row, label in zip(rows, labels, strict=True)
        ]
        for index in range(len(weights)):
            slope = sum(e * row[index] for e, row in zip(errors, rows, strict=True)) / len(rows)
            weights[index] -= _RATE * slope
        bias -= _RATE * statistics.fmean(errors)

    MODEL.parent.mkdir(exist_ok=True)
    model = {
        "mean": [round(value, 6) for value in mean],
        "deviation": [round(value, 6) for value in deviation],
        "weights": [round(value, 6) for value in weights],
        "bias": round(bias, 6),
        "threshold": 0.5,
    }
    MODEL.write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
