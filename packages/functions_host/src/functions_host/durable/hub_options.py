"""The settings of the durable engine."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class HubOptions:
    """The part of host.json ``extensions.durableTask`` that the engine obeys.

    Messages that a killed host had taken stay invisible for the two visibility time-outs: those to orchestrations
    and entities for the first, activities for the second.
    """

    hub_name: str = "TestHubName"
    default_version: str = ""
    max_concurrent_activities: int = 20
    max_concurrent_orchestrators: int = 20
    overridable_states: str = "NonRunningStates"
    control_queue_visibility: timedelta = timedelta(minutes=5)
    work_item_queue_visibility: timedelta = timedelta(minutes=5)
