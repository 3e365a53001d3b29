"""Rows as entities of Azure Table Storage, which limits a text to 64 KiB of UTF-16.

A longer value ``v`` is kept in parts ``v__part0``, ``v__part1`` and so on, and ``v`` is their number. A shorter value
that is merged over it is a text again; what is then left of the parts is not read.
"""

import re
from collections.abc import Mapping

from ledger.table import Key, Row

_PART_LENGTH = 16_000
"""Code points: at most 64,000 bytes of UTF-16."""
_PART_NAME = re.compile(r".+__part[0-9]+", re.ASCII)
_KEYS = {"PartitionKey", "RowKey"}
ALWAYS_SELECTED = ("PartitionKey", "RowKey", "Timestamp")
"""A selection leaves these out if they are not asked for. The etag may follow from the timestamp."""


class LongValueLeftOut(Exception):
    """The parts of a long value were not selected."""


def key_properties(key: Key) -> dict[str, str | int]:
    return {"PartitionKey": key.partition, "RowKey": key.row}


def to_entity(key: Key, values: Mapping[str, str]) -> dict[str, str | int]:
    entity = key_properties(key)
    for name, value in values.items():
        if len(value) <= _PART_LENGTH:
            entity[name] = value
            continue
        starts = range(0, len(value), _PART_LENGTH)
        entity[name] = len(starts)
        for number, start in enumerate(starts):
            entity[_part(name, number)] = value[start : start + _PART_LENGTH]
    return entity


def to_row(entity: Mapping[str, object], etag: str) -> Row:
    """Raises LongValueLeftOut."""
    key = Key(str(entity["PartitionKey"]), str(entity["RowKey"]))
    return Row(key, {name: _value(entity, name) for name in entity if _is_value(entity, name)}, etag)


def _is_value(entity: Mapping[str, object], name: str) -> bool:
    # A selected value that the row does not have is answered as null.
    return name not in _KEYS and not _PART_NAME.fullmatch(name) and entity[name] is not None


def _value(entity: Mapping[str, object], name: str) -> str:
    found = entity[name]
    if not isinstance(found, int):
        return str(found)
    parts = [entity.get(_part(name, number)) for number in range(found)]
    if None in parts:
        raise LongValueLeftOut
    return "".join(str(part) for part in parts)


def _part(name: str, number: int) -> str:
    return f"{name}__part{number}"
