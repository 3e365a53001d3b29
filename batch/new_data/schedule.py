"""Rules for starts by the clock: when runs start, and over which data.

Only an app with such a rule imports this module and what it needs: it would make each cold start longer.
"""

from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, Strict, field_validator

from batch.new_data.cron import check_cron
from batch.new_data.run_fields import RunFields
from batch.new_data.template import TIMES, Template, names_in

_PLACEHOLDERS = ("run_id", *TIMES)
_MOST_DAYS_BACK = 366


class CatchUp(StrEnum):
    """Which due times that were missed are started later: none, the last of them, or all."""

    NONE = "none"
    LAST = "last"
    ALL = "all"


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        raise ValueError("is no IANA time zone: give a name such as UTC or Europe/Berlin") from None
    return name


class ScheduleRule(RunFields):
    """One run for each due time of ``cron`` in ``time_zone``.

    ``name`` is part of the ids of the runs. Placeholders of times stand for the due time, ``days_back`` days before
    it: a nightly run scores the folder of the day that has ended.
    """

    start: Literal["schedule"]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    cron: Annotated[str, Field(max_length=200), AfterValidator(check_cron)]
    time_zone: Annotated[str, Field(max_length=100), AfterValidator(_time_zone)] = "UTC"
    catch_up: Annotated[CatchUp, Strict(False)] = CatchUp.LAST
    input_uri: Template
    input_type: Literal["UriFolder", "UriFile"] = "UriFolder"
    days_back: Annotated[int, Field(ge=0, le=_MOST_DAYS_BACK)] = 0

    @field_validator("input_uri", "output_uri")
    @classmethod
    def _holds_what_a_time_can_fill(cls, template: str) -> str:
        if wrong := [name for name in names_in(template) if name not in _PLACEHOLDERS]:
            raise ValueError(
                f"holds {{{wrong[0]}}}, which has no meaning where the clock starts the run:"
                f" it may hold {', '.join(f'{{{one}}}' for one in _PLACEHOLDERS)}"
            )
        return template

    @property
    def id(self) -> str:
        """Identifies this rule, as the content identifies a rule for uploads."""
        return f"schedule-{self.name}"
