"""What an earlier host left unfinished, and when this one gets to see it.

durable-functions behaviour: a host that takes a message from a queue has it for itself for a time, and renews that
time as long as it works on it. A host that is killed cannot give its messages back: they become visible again when
the time is over, and until then everything that waits for them stands still.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from .decisions import EntityId
from .store import Store


@dataclass(slots=True)
class Redelivery:
    """What becomes visible at one moment. ``ended`` are instances whose row does not say yet that they ended."""

    instances: list[str] = field(default_factory=list)
    entities: list[EntityId] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    activities: int = 0


def redeliveries(store: Store, now: str) -> Mapping[str, Redelivery]:
    """All that is unfinished, by the moment at which it is visible; ``now`` for what is visible at once."""
    found: defaultdict[str, Redelivery] = defaultdict(Redelivery)
    for instance_id, taken_until in store.instances.with_messages():
        found[max(now, taken_until or now)].instances.append(instance_id)
    for entity, taken_until in store.entities.with_operations():
        found[max(now, taken_until or now)].entities.append(entity)
    for instance_id, taken_until in store.instances.unwritten():
        found[max(now, taken_until)].ended.append(instance_id)
    for hidden_until, count in store.work.waiting_activities().items():
        found[max(now, hidden_until or now)].activities += count
    return dict(sorted(found.items()))
