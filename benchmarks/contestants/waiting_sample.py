"""What the contestants in waiting print, and how much of it they measure."""

from dataclasses import dataclass

PLAIN_LOOP = "plain_loop"
REPLAYED_IN_FULL = 100
"""The plain loop replays each episode up to this number of checks; more would take minutes."""

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
