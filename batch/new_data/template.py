"""Templates of URIs in rules: placeholders in braces, and how their values are written into each form of a URI."""

from collections.abc import Mapping
from datetime import datetime
from string import Formatter
from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, Field

PLACEHOLDERS = (
    *("run_id", "account", "container", "folder", "file", "path"),
    *("date", "year", "month", "day", "hour"),
)
_NAMES = frozenset({"folder", "file", "path"})
"""What people and programs have chosen freely. The other values need no encoding."""
_PATH_CHARACTERS = "/=:@!$&'()*+,;~"
"""What RFC 3986 allows in a path besides letters, digits and ``-._``; Event Grid's own URLs leave it, too."""


def _template(text: str) -> str:
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"is not a template: {error}") from None
    for literal, name, form, conversion in parts:
        odd_name = name is not None and (name not in PLACEHOLDERS or form or conversion)
        if odd_name or "{" in literal or "}" in literal:
            raise ValueError(
                f"may hold {', '.join(f'{{{one}}}' for one in PLACEHOLDERS)} and no other braces"
            )
    return text


Template = Annotated[str, Field(max_length=1_024), AfterValidator(_template)]


def times(moment: datetime) -> dict[str, str]:
    """Values of the placeholders for a time."""
    return {
        "date": f"{moment:%Y-%m-%d}",
        "year": f"{moment:%Y}",
        "month": f"{moment:%m}",
        "day": f"{moment:%d}",
        "hour": f"{moment:%H}",
    }


def fill(template: str, values: Mapping[str, str]) -> str:
    """Names are percent-encoded in an ``https`` URL. All other forms hold them as they are.

    What a form cannot hold is refused with the request that the URI goes into.
    """
    if template.startswith("https:"):
        values = {
            name: quote(value, safe=_PATH_CHARACTERS) if name in _NAMES else value
            for name, value in values.items()
        }
    return template.format_map(values)
