"""What the contestant in listing prints."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """``seconds`` of each list, ``reads`` the most of ledger and task hub for one, ``runs`` the last list."""

    seconds: Sequence[float]
    reads: int
    runs: Sequence[str]
