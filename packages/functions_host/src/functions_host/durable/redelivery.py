"""What an earlier host left unfinished, and when this one gets to see it.

durable-functions behaviour: a host that takes a message from a queue has it for itself for a time, and renews that
time as long as it works on it. A host that is killed cannot give its messages back: each stays hidden until its time
is over. Whatever is sent meanwhile is seen at once, and so can overtake it.
"""

from collections.abc import Sequence

from functions_host.durable.store.instance_tables import Instance
from functions_host.durable.store.store import Store
from functions_host.durable.transitions import Transaction


def hide_what_was_taken(store: Store, now: str) -> Sequence[str]:
    """For a start. Returns the moments at which ``show_what_was_hidden`` is due, at most one a second."""
    hidden_until = (
        *store.instances.hide_taken_messages(now),
        *store.entities.hide_taken_operations(now),
        *store.work.hidden_activities(now),
        *(until for _, until in store.instances.unwritten()),
    )
    seconds = len("2026-01-01T00:00:00")
    return sorted({moment[:seconds]: moment for moment in sorted(hidden_until)}.values())


def show_what_was_hidden(tx: Transaction, running_activities: Sequence[int]) -> Sequence[Instance]:
    """Whatever is due by now. Returns the instances whose rows now say that they ended."""
    ended = tx.store.instances.write_unwritten(tx.now)
    tx.ended.extend(instance.state() for instance in ended)
    tx.instances.extend(tx.store.instances.show_messages(tx.now, tx.taken_until))
    tx.entities.extend(tx.store.entities.show_operations(tx.now, tx.taken_until))
    tx.activities_queued += tx.store.work.count_activities(tx.now, running_activities)
    return ended
