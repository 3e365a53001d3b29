"""The names of the parameters in an address."""

from collections.abc import Collection, Iterable

from batch.errors import FieldError

PLATFORM_PARAMETERS = frozenset({"code", "clientId"})
"""In Azure a caller may send its function key in these."""


def unknown_parameters(given: Iterable[str], known: Collection[str]) -> list[FieldError]:
    return [
        FieldError(name, "is not a known parameter")
        for name in given
        if name not in known and name not in PLATFORM_PARAMETERS
    ]
