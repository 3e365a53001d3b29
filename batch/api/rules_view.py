"""The rules for new data as the HTTP API shows them, each with what it took."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

# Pydantic reads the standard library's TypedDict from Python 3.12 on.
from typing_extensions import TypedDict

from batch.timestamps import Time

STARTS = ("file", "folder", "marker", "schedule")
StartName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(STARTS)})]


class LastTaken(TypedDict):
    """The last that a rule took: an upload, or under a schedule a due time."""

    at: Annotated[Time, Field(description="When the app took it")]
    upload: Annotated[str | None, Field(description="Container and name; null under a schedule")]
    due_at: Annotated[Time | None, Field(description="Null under a rule for uploads")]
    run_id: Annotated[
        str,
        Field(description="The run; of a folder the one that starts if no other upload of it follows"),
    ]


class RuleView(TypedDict):
    """A rule of the settings, known by its content: one that was changed counts anew. A schedule goes by its name."""

    index: Annotated[int, Field(ge=0, description="Its place in the settings, as their errors name it")]
    start: StartName
    id: Annotated[str, Field(description="Part of the ids that the app makes from the rule")]
    fields: Annotated[dict[str, Any], Field(description="What the rule says besides start, without defaults")]
    taken: Annotated[int, Field(ge=0, description="Uploads, or due times, that the rule took")]
    last: LastTaken | None
    next_start_at: Annotated[Time | None, Field(description="Null under a rule for uploads")]


class LastIgnored(TypedDict):
    """The last upload that started nothing."""

    at: Annotated[Time, Field(description="When the app ignored it")]
    upload: Annotated[
        str, Field(description="Container and name; of an event that names no upload its subject")
    ]
    reason: str


class IgnoredView(TypedDict):
    """Uploads that started nothing."""

    count: Annotated[int, Field(ge=0)]
    by_reason: dict[str, Annotated[int, Field(ge=1)]]
    last: LastIgnored | None


class RulesView(TypedDict):
    """The rules for new data, in the order of the settings."""

    topic: Annotated[
        str | None, Field(description="The storage account whose events count; null if there is none")
    ]
    rules: list[RuleView]
    ignored: IgnoredView
