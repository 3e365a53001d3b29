"""The settings of the durable engine."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class HubOptions:
    """The part of ``extensions.durableTask`` in host.json that the engine uses.

    Messages that a killed host had taken stay invisible for a visibility timeout: messages to orchestrations and
    entities for ``control_queue_visibility``, activities for ``work_item_queue_visibility``.
    """

    hub_name: str = "TestHubName"
    default_version: str = ""
    max_concurrent_activities: int = 20
    max_concurrent_orchestrators: int = 20
    overridable_states: str = "NonRunningStates"
    control_queue_visibility: timedelta = timedelta(minutes=5)
    work_item_queue_visibility: timedelta = timedelta(minutes=5)
