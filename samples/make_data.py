"""Makes the sample data: a week of hourly electricity readings of four homes, one CSV file each.

The figures are invented, from a fixed seed: a base load, heating that follows the weather, higher use in the
evening, and sometimes a device that was left on. ``python samples/make_data.py`` writes ``samples/data/`` again.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path

DATA = Path(__file__).parent / "data"
_SEED = 20260105
_START = datetime(2026, 1, 5)
_HOURS = 7 * 24
_HOMES = ("birch-lane-4", "harbour-row-12", "mill-street-7", "station-road-31")


@dataclass(frozen=True)
class Reading:
    """One hour of one home: consumption in kWh, outdoor temperature in °C, persons at home."""

    reading_id: str
    time: str
    kwh: float
    outdoor_c: float
    persons: int


def readings(home: str, seed: int, hours: int) -> Iterator[tuple[Reading, bool]]:
    """Readings of one home, each with True if a device was left on: that is what the model predicts."""
    draw = random.Random(f"{seed}/{home}")  # noqa: S311 - invented figures
    base = draw.uniform(0.15, 0.35)
    insulation = draw.uniform(0.02, 0.05)
    for hour in range(hours):
        moment = _START + timedelta(hours=hour)
        outdoor = 3.0 + 4.0 * math.sin((moment.hour - 9) * math.pi / 12) + draw.gauss(0, 1.2)
        persons = draw.choice((0, 0, 1)) if 8 <= moment.hour < 17 else draw.choice((1, 2, 2, 3))
        evening = 0.5 if 17 <= moment.hour < 22 else 0.0
        left_on = draw.random() < 0.05
        used = base + insulation * max(0.0, 18.0 - outdoor) + persons * (0.08 + evening / 3)
        used += draw.uniform(0.6, 2.6) if left_on else 0.0
        yield (
            Reading(
                reading_id=f"{home}-{hour:04d}",
                time=moment.isoformat(timespec="minutes"),
                kwh=round(max(0.05, used + draw.gauss(0, 0.08)), 3),
                outdoor_c=round(outdoor, 1),
                persons=persons,
            ),
            left_on,
        )


def main() -> None:
    DATA.mkdir(exist_ok=True)
    for home in _HOMES:
        with (DATA / f"{home}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(field.name for field in fields(Reading))
            writer.writerows(astuple(reading) for reading, _ in readings(home, _SEED, _HOURS))


if __name__ == "__main__":
    main()
