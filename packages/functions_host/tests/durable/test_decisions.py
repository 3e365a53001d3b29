"""Entity ids."""

import pytest

from functions_host.durable.decisions import EntityId


@pytest.mark.parametrize(
    ("text", "entity"), [("@Counter@Key", EntityId("counter", "Key")), ("@a@b@c", EntityId("a", "b@c"))]
)
def test_entity_ids(text: str, entity: EntityId) -> None:
    assert EntityId.parse(text) == entity
    assert EntityId.parse(str(entity)) == entity
