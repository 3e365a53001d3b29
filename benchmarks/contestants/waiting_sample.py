"""What the contestants in waiting tell, and how much of it they measure."""

from dataclasses import dataclass

PLAIN_LOOP = "plain_loop"
REPLAYED_IN_FULL = 100
"""Up to so many checks each episode of the plain loop is replayed; it would take minutes for many more."""

REPLAY_EVERY = 24


@dataclass(frozen=True, slots=True)
class Sample:
    """CPU in seconds: of the SDK's replay, and of engine, activities and replay together."""

    orchestrator: str
    checks: int
    episodes: int
    history_bytes: int
    context_bytes: int
    replay_cpu: float
    total_cpu: float
