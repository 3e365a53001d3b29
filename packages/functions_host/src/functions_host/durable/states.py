"""Instances and entities as callers see them, and the query for a list of instances."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RuntimeStatus(StrEnum):
    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    CONTINUED_AS_NEW = "ContinuedAsNew"
    COMPLETED = "Completed"
    FAILED = "Failed"
    TERMINATED = "Terminated"
    CANCELED = "Canceled"

    @property
    def is_terminal(self) -> bool:
        return self in _TERMINAL


_TERMINAL = frozenset(
    {RuntimeStatus.COMPLETED, RuntimeStatus.FAILED, RuntimeStatus.TERMINATED, RuntimeStatus.CANCELED}
)


@dataclass(frozen=True, slots=True)
class InstanceState:
    """One orchestration instance as the status query sees it.

    ``input``, ``output`` and ``custom_status`` are JSON text. Only entities have no ``version``.
    """

    instance_id: str
    name: str
    version: str | None
    runtime_status: RuntimeStatus
    created_at: datetime
    updated_at: datetime
    input: str | None = None
    output: str | None = None
    custom_status: str | None = None


@dataclass(frozen=True, slots=True)
class InstanceQuery:
    """Times are inclusive. Empty ``statuses`` match every status; ``top`` is the size of a page."""

    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: frozenset[RuntimeStatus] = frozenset()
    instance_id_prefix: str = ""
    top: int = 100
    continuation: str | None = None


@dataclass(frozen=True, slots=True)
class InstancePage:
    """``continuation`` is None on the last page."""

    instances: Sequence[InstanceState]
    continuation: str | None


@dataclass(frozen=True, slots=True)
class EntityState:
    """``state`` is JSON text, None while the entity does not exist."""

    name: str
    key: str
    state: str | None
    last_operation_at: datetime

    @property
    def exists(self) -> bool:
        """False if the entity has deleted itself, or if all its operations have failed."""
        return self.state is not None
