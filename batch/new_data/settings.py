"""Settings of new data: rules as JSON, or one rule as plain settings. A wrong setting stops the app.

Rules for starts by the clock are loaded only if there is one: all that they need would make each cold start longer.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError
from pydantic_core import from_json

from batch.errors import InvalidRequest, SettingsError
from batch.new_data.blob import Blob
from batch.new_data.request import request_for, upload_id
from batch.new_data.rules import NewDataRule, Start
from batch.settings import Settings, app_settings

if TYPE_CHECKING:
    from batch.new_data.schedule import ScheduleRule

RULES = "NEW_DATA_RULES"
TOPIC = "NEW_DATA_TOPIC"
PLAIN_SETTINGS = {
    "container": "NEW_DATA_CONTAINER",
    "prefix": "NEW_DATA_PREFIX",
    "suffix": "NEW_DATA_SUFFIX",
    "start": "NEW_DATA_START",
    "quiet_seconds": "NEW_DATA_QUIET_SECONDS",
    "longest_wait_seconds": "NEW_DATA_LONGEST_WAIT_SECONDS",
    "marker": "NEW_DATA_MARKER",
    "input_uri": "NEW_DATA_INPUT_URI",
    "output_uri": "NEW_DATA_OUTPUT_URI",
}
_STORAGE_ACCOUNT_ID = re.compile(
    r"/subscriptions/[^/\s]+/resourceGroups/[^/\s]+/providers/Microsoft\.Storage/storageAccounts/[^/\s]{3,24}/?",
    re.IGNORECASE,
)
MAX_DIGITS = 9
_PLAIN_WORDS = {
    "extra_forbidden": "is no field of such a rule",
    "missing": "is missing",
    "model_type": "must be a JSON object",
}
"""For what pydantic says in words of programs."""
_SCHEDULE = "schedule"
_STARTS = (*Start, _SCHEDULE)
_SAMPLE = Blob("account", "container", "folder/file.csv", "version", datetime(2026, 1, 31, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class NewData:
    """``topic`` is the resource id of the storage account whose events start runs, empty if only the clock does.

    ``rules`` are those for uploads. ``schedule_places`` are the places of ``schedules`` among all rules, from 0.
    """

    topic: str
    rules: tuple[NewDataRule, ...]
    schedules: "tuple[ScheduleRule, ...]" = ()
    schedule_places: tuple[int, ...] = ()

    def in_order(self) -> "list[NewDataRule | ScheduleRule]":
        """All rules, as the settings have them."""
        rules: list[NewDataRule | ScheduleRule] = [*self.rules]
        for place, schedule in zip(self.schedule_places, self.schedules, strict=True):
            rules.insert(place, schedule)
        return rules

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], settings: Settings) -> Self:
        """Raises SettingsError, which names the setting, and for JSON rules also the index and the field."""
        plain = {
            field: environment[name].strip()
            for field, name in PLAIN_SETTINGS.items()
            if environment.get(name, "").strip()
        }
        json_rules = environment.get(RULES, "").strip()
        if json_rules and plain:
            names = ", ".join(PLAIN_SETTINGS[field] for field in plain)
            raise SettingsError(f"App setting {RULES} excludes {names}: write all rules into it.")
        rules, schedules = (
            _json_rules(json_rules, settings) if json_rules else (_plain_rule(plain, settings), {})
        )
        topic = environment.get(TOPIC, "").strip()
        if rules and not _STORAGE_ACCOUNT_ID.fullmatch(topic):
            raise SettingsError(
                f"App setting {TOPIC} must be the resource id of the storage account that sends the events."
            )
        return cls(topic, rules, tuple(schedules.values()), tuple(schedules))


@lru_cache(maxsize=1)
def new_data() -> NewData:
    """The rules of this process."""
    return NewData.from_environment(os.environ, app_settings())


def _json_rules(text: str, settings: Settings) -> "tuple[tuple[NewDataRule, ...], dict[int, ScheduleRule]]":
    """The rules for uploads, and those for starts by the clock by their places."""
    try:
        values = from_json(text)
    except ValueError as error:
        raise SettingsError(f"App setting {RULES} is not JSON: {error}.") from None
    if not isinstance(values, list):
        raise SettingsError(f"App setting {RULES} must be a JSON list of rules.")
    rules: list[NewDataRule] = []
    schedules: dict[int, ScheduleRule] = {}
    index_of: dict[str, int] = {}
    for index, value in enumerate(values):
        start = value.get("start") if isinstance(value, dict) else None
        if isinstance(start, str) and start not in _STARTS:
            raise SettingsError(f"App setting {_place(index, 'start')}: must be one of {', '.join(_STARTS)}.")
        if start != _SCHEDULE:
            rules.append(_checked_rule(value, settings, partial(_place, index)))
            continue
        schedule = _checked_schedule(value, settings, index)
        if (first := index_of.setdefault(schedule.name, index)) != index:
            raise SettingsError(
                f"App setting {_place(index, 'name')}: rule {first} has the same name. Give each schedule its own."
            )
        schedules[index] = schedule
    return tuple(rules), schedules


def _place(index: int, field: str) -> str:
    return f"{RULES}, rule {index}, {field or 'as a whole'}"


def _plain_rule(fields: dict[str, str], settings: Settings) -> tuple[NewDataRule, ...]:
    if not fields:
        return ()
    if fields.get("start") == _SCHEDULE:
        raise SettingsError(
            f"App setting {PLAIN_SETTINGS['start']}: a rule for starts by the clock goes into {RULES}."
        )
    numbers = {
        name: int(text)
        for name, text in fields.items()
        if name.endswith("_seconds") and text.isdecimal() and len(text) < MAX_DIGITS
    }
    rule = _checked_rule(
        fields | numbers,
        settings,
        lambda field: PLAIN_SETTINGS.get(field, ", ".join(PLAIN_SETTINGS.values())),
    )
    return (rule,)


def _checked_rule(value: Any, settings: Settings, place: Callable[[str], str]) -> NewDataRule:
    """A rule with which a sample blob makes a valid request: an error shows now, not at the first blob."""
    with _named(place):
        rule = NewDataRule.model_validate(value)
        sample = replace(_SAMPLE, name=rule.prefix + _SAMPLE.name)
        request_for(rule, sample, upload_id(rule, sample), settings)
    return rule


def _checked_schedule(value: Any, settings: Settings, index: int) -> "ScheduleRule":
    """As ``_checked_rule``, with a sample of a due time."""
    from batch.new_data.schedule import ScheduleRule
    from batch.new_data.schedule_request import scheduled_request

    with _named(partial(_place, index)):
        schedule = ScheduleRule.model_validate(value)
        scheduled_request(schedule, _SAMPLE.created_at, settings)
    return schedule


@contextmanager
def _named(place: Callable[[str], str]) -> Iterator[None]:
    """What is wrong with a rule becomes a SettingsError that names the place of the field."""
    try:
        yield
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, details["loc"]))
        message = _PLAIN_WORDS.get(details["type"], details["msg"].removeprefix("Value error, "))
        raise SettingsError(f"App setting {place(field)}: {message}.") from None
    except InvalidRequest as error:
        wrong = error.errors[0]
        field = wrong.field.removeprefix("endpoint_") if wrong.field != "endpoint_uri" else wrong.field
        raise SettingsError(f"App setting {place(field)}: {wrong.message}.") from None
