"""What the contestants in starting print."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """``start`` and ``check`` count work (``storage_cost``), empty where only the claims were measured.

    ``claims`` has the seconds of each POST (``observed_host``), empty where only the work was counted.
    """

    start: Mapping[str, int] = field(default_factory=dict)
    check: Mapping[str, int] = field(default_factory=dict)
    claims: list[float] = field(default_factory=list)
