"""Templates of URIs in rules: placeholders in braces, and how their values are written into each form of a URI."""

import re
from collections.abc import Mapping
from datetime import datetime
from string import Formatter
from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, Field

from batch.data_uri import UNFIT, spelled

TIMES = ("date", "year", "month", "day", "hour")
PLACEHOLDERS = ("run_id", "account", "container", "folder", "file", "path", *TIMES)
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


def names_in(template: str) -> list[str]:
    """The placeholders of a valid template, in order."""
    return [name for _, name, _, _ in Formatter().parse(template) if name]


def times(moment: datetime) -> dict[str, str]:
    """Values of the placeholders TIMES."""
    return {
        "date": f"{moment:%Y-%m-%d}",
        "year": f"{moment:%Y}",
        "month": f"{moment:%m}",
        "day": f"{moment:%d}",
        "hour": f"{moment:%H}",
    }


class NameDoesNotFit(ValueError):
    """A name holds a character that this form of a URI cannot hold."""

    def __init__(self, placeholder: str, character: str) -> None:
        super().__init__(f"{{{placeholder}}} stands for a name that holds {spelled(character)}")
        self.character = character


def fill(template: str, values: Mapping[str, str], unfit: str = UNFIT) -> str:
    """Names are percent-encoded in an ``https`` URL. All other forms hold them as they are.

    Raises NameDoesNotFit if such a form cannot hold a name: ``unfit`` is a pattern of one character.
    """
    used = {name: values[name] for name in names_in(template)}
    is_url = template.startswith("https:")
    for name in _NAMES & used.keys():
        if is_url:
            used[name] = quote(used[name], safe=_PATH_CHARACTERS)
        elif found := re.search(unfit, used[name]):
            raise NameDoesNotFit(name, found[0])
    return template.format_map(used)
