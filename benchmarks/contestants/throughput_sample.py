"""What both throughput contestants print, measured in the same way."""

import json
import time
from dataclasses import asdict, dataclass

from benchmarks.measuring import Memory


@dataclass(frozen=True, slots=True)
class ThroughputSample:
    """Seconds from the first start to the last end; memory in MB, of client and server together."""

    wall: float
    cpu: float
    idle_memory: float
    peak_memory: float


def sample(started: float, cpu_before: float, before: Memory) -> str:
    """The sample as JSON text, ``started`` and ``cpu_before`` being readings of the two clocks."""
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu_before
    return json.dumps(asdict(ThroughputSample(wall, cpu, before.now, Memory.of().peak)))
