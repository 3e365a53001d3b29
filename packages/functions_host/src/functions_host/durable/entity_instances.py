"""Entities as instances.

durable-functions behaviour: an entity is an orchestration instance that runs forever. Its id is ``@name@key``,
its input is its state, and it continues as new after each batch of operations.
"""

from functions_host.durable.decisions import EntityId
from functions_host.durable.events import compact_json
from functions_host.durable.states import EntityState, InstanceQuery, InstanceState, RuntimeStatus


def entity_of(instance_id: str) -> EntityId | None:
    """None for the id of an orchestration. Such an id may begin with ``@``, too."""
    name, separator, key = instance_id[1:].partition("@")
    return EntityId(name.lower(), key) if instance_id.startswith("@") and name and separator else None


def instance_id_of(entity: EntityState) -> str:
    return str(EntityId(entity.name, entity.key))


def as_instance(entity: EntityState) -> InstanceState:
    instance_id = instance_id_of(entity)
    # Not emulated: the sorter, which puts the messages of each orchestration in order.
    state = {"state": entity.state or "null", "sorter": {}}
    return InstanceState(
        instance_id=instance_id,
        name=instance_id,
        version=None,
        runtime_status=RuntimeStatus.RUNNING,
        created_at=entity.last_operation_at,
        updated_at=entity.last_operation_at,
        input=compact_json({"exists": True, **state} if entity.exists else state),
        custom_status=compact_json({"entityExists": True} if entity.exists else {}),
    )


def may_match(query: InstanceQuery) -> bool:
    return not query.statuses or RuntimeStatus.RUNNING in query.statuses
