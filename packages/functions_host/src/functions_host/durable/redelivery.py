"""Redelivery: the messages that an earlier host had taken, and when they become visible to this host.

durable-functions behaviour: a message that a host takes from a queue is invisible to other hosts for a time, which
the host renews while it works on the message. A killed host cannot release its messages: each stays hidden until its
time expires. A message that is sent later is visible at once, and so can overtake it.
"""

from collections.abc import Sequence

from functions_host.durable.store.instance_tables import Instance
from functions_host.durable.store.store import Store
from functions_host.durable.transitions import Transaction


def hide_taken_work(store: Store, now: str) -> Sequence[str]:
    """Called when a host starts. Returns the times at which ``show_due_work`` is due, at most one per second."""
    hidden_until = (
        *store.instances.hide_taken_messages(now),
        *store.entities.hide_taken_operations(now),
        *store.work.hidden_activities(now),
        *(until for _, until in store.instances.unwritten()),
    )
    seconds = len("2026-01-01T00:00:00")
    return sorted({moment[:seconds]: moment for moment in sorted(hidden_until)}.values())


def show_due_work(tx: Transaction, running_activities: Sequence[int]) -> Sequence[Instance]:
    """Makes visible what is due. Returns the instances whose rows now have their final status."""
    ended = tx.store.instances.write_unwritten(tx.now)
    tx.ended.extend(instance.state() for instance in ended)
    tx.instances.extend(tx.store.instances.show_messages(tx.now, tx.taken_until))
    tx.entities.extend(tx.store.entities.show_operations(tx.now, tx.taken_until))
    tx.activities_queued += tx.store.work.count_activities(tx.now, running_activities)
    return ended
