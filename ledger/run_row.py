"""The rows of a run: one by its id, one in the list of all runs, and one in the list of those under way.

All are in one partition, so that a run is added, and ends, in one transaction. The lists have the newest run first:
the row key begins with the time that is left until a far moment.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Self

from batch.run.phases import PENDING, Phase
from batch.run.source import SourceView
from batch.run.submission import Submission
from batch.timestamps import format_timestamp, parse_timestamp
from ledger.table import Key, Row

PARTITION = "runs"
JOB = "Job"
"""A value of a run's row, written with the row of the job."""
FIRST_RUN = "FirstRun"
RERUN_OF = "RerunOf"
RERUNS = "Reruns"
"""Values of rows of runs that repeat others, and that others repeat."""
_DIGITS = 15
_FAR = 10**14
"""Milliseconds since 1970, in the year 5138."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YES = "yes"
_WITH_JOB = frozenset({Phase.QUEUED, Phase.RUNNING})
_BEFORE_THE_JOB = frozenset({PENDING, Phase.AUTHORIZING, Phase.SUBMITTING})


class RunList(StrEnum):
    """The lists of runs, by the word with which their row keys begin."""

    ALL = "at"
    UNDER_WAY = "open"

    @property
    def before(self) -> str:
        """After all rows of the list: ``~`` is not in a key."""
        return f"{self} ~"


def place_of(run_id: str, started_at: datetime) -> str:
    """Where the run stands in a list, as text in the order of the list."""
    return f"{_time_left(started_at)} {run_id}"


def places_from(moment: datetime) -> str:
    """Behind the places of all runs that started at ``moment`` or later, before those of all others."""
    return f"{_FAR - ceil(_milliseconds(moment)) + 1:0{_DIGITS}d}"


def places_until(moment: datetime) -> str:
    """Before the places of all runs that started at ``moment`` or earlier, behind those of all others."""
    return _time_left(moment)


def run_key(run_id: str) -> Key:
    return Key(PARTITION, f"id {run_id}")


def list_key(which: RunList, place: str) -> Key:
    return Key(PARTITION, f"{which} {place}")


def job_key(job_name: str) -> Key:
    return Key(PARTITION, f"job {job_name}")


@dataclass(frozen=True, slots=True)
class RunRow:
    """What is kept by the id of a run.

    ``request`` is the fingerprint of its request. ``start`` names the call that starts the orchestration, or is about
    to since ``starting_at``; empty if that call failed. ``phase`` is what the lists were last told. ``earlier``: a
    version without a ledger started the run, and may have kept its submission in an entity. ``job`` is the job that
    the run owns by a row of this ledger, ``earlier_jobs`` are those that failed before it. ``first_run`` is empty for
    a run that is no rerun; ``reruns`` are the latest runs that repeat this one. ``etag`` is empty for a row that was
    not read.
    """

    run_id: str
    started_at: datetime
    request: str
    start: str
    starting_at: datetime
    phase: str
    submission: Submission = Submission()  # noqa: RUF009 - it is frozen
    earlier: bool = False
    job: str = ""
    first_run: str = ""
    reruns: tuple[str, ...] = ()
    earlier_jobs: tuple[str, ...] = ()
    etag: str = ""

    @property
    def key(self) -> Key:
        return run_key(self.run_id)

    @property
    def is_to_be_started(self) -> bool:
        """Nothing shows that there ever was an orchestration."""
        return self.phase == PENDING and self.submission.marker is None and not self.earlier

    @property
    def place(self) -> str:
        return place_of(self.run_id, self.started_at)

    @property
    def keys(self) -> tuple[Key, Key, Key]:
        """Of all rows that a run has while it is under way."""
        return self.key, self.key_in(RunList.ALL), self.key_in(RunList.UNDER_WAY)

    def key_in(self, which: RunList) -> Key:
        return list_key(which, self.place)

    def of_job(self, job_attempt: int) -> Self:
        """The row as it is with the record of this job of the run, which may be the next one."""
        if job_attempt <= self.submission.job_attempt:
            return self
        return replace(
            self,
            submission=self.submission.of_job(job_attempt),
            job="",
            earlier_jobs=(*self.earlier_jobs, self.job) if self.job else self.earlier_jobs,
            phase=PENDING if self.phase in _WITH_JOB else self.phase,
        )

    def values(self) -> dict[str, str]:
        values = {
            "RunId": self.run_id,
            "StartedAt": format_timestamp(self.started_at),
            "Request": self.request,
            "Start": self.start,
            "StartingAt": format_timestamp(self.starting_at),
            "Phase": self.phase,
        }
        if self.submission != Submission():
            values["Submission"] = json.dumps(self.submission.to_json())
        if self.earlier:
            values["Earlier"] = _YES
        if self.job:
            values[JOB] = self.job
        if self.first_run:
            values[FIRST_RUN] = self.first_run
        if self.reruns:
            values[RERUNS] = " ".join(self.reruns)
        if self.earlier_jobs:
            values["EarlierJobs"] = json.dumps(self.earlier_jobs)
        return values

    @classmethod
    def of(cls, row: Row) -> Self:
        values = row.values
        return cls(
            run_id=values["RunId"],
            started_at=_time(values["StartedAt"]),
            request=values["Request"],
            start=values["Start"],
            starting_at=_time(values["StartingAt"]),
            phase=values["Phase"],
            submission=Submission.from_json(json.loads(values.get("Submission", "null"))),
            earlier=values.get("Earlier") == _YES,
            job=values.get(JOB, ""),
            first_run=values.get(FIRST_RUN, ""),
            reruns=tuple(values.get(RERUNS, "").split()),
            earlier_jobs=tuple(json.loads(values.get("EarlierJobs", "[]"))),
            etag=row.etag,
        )


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A row of a list. ``status`` is the JSON of its RunStatus and ``runtime_status`` that of its orchestration.

    These and ``ended_at`` are empty while the run is under way. ``rerun_of`` is empty for a run that is no rerun.
    """

    run_id: str
    started_at: datetime
    phase: str
    endpoint_uri: str
    source: str = ""
    ended_at: str = ""
    status: str = ""
    runtime_status: str = ""
    rerun_of: str = ""
    reruns: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return place_of(self.run_id, self.started_at)

    @property
    def has_ended(self) -> bool:
        return bool(self.status)

    def values(self) -> dict[str, str]:
        values = {
            "RunId": self.run_id,
            "StartedAt": format_timestamp(self.started_at),
            "Phase": self.phase,
            "Endpoint": self.endpoint_uri,
            "Source": self.source,
            "EndedAt": self.ended_at,
            "Status": self.status,
            "RuntimeStatus": self.runtime_status,
            RERUN_OF: self.rerun_of,
            RERUNS: " ".join(self.reruns),
            # Once to be read, and each in a column to select runs by it.
            "Tags": json.dumps(self.tags) if self.tags else "",
            **{tag_column(name): value for name, value in self.tags.items()},
        }
        return {name: value for name, value in values.items() if value}

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        return cls(
            run_id=values["RunId"],
            started_at=_time(values["StartedAt"]),
            phase=values["Phase"],
            endpoint_uri=values.get("Endpoint", ""),
            source=values.get("Source", ""),
            ended_at=values.get("EndedAt", ""),
            status=values.get("Status", ""),
            runtime_status=values.get("RuntimeStatus", ""),
            rerun_of=values.get(RERUN_OF, ""),
            reruns=tuple(values.get(RERUNS, "").split()),
            tags=json.loads(values.get("Tags", "{}")),
        )


LISTED_NAMES = (
    *("RunId", "StartedAt", "Phase", "Endpoint", "Source", "EndedAt", "Status", "RuntimeStatus", "Tags"),
    *(RERUN_OF, RERUNS),
)


def tag_column(name: str) -> str:
    """The column of a tag: it has no other signs than ``_``, and each stands before the code of a sign."""
    return "Tag_" + "".join(each if each.isalnum() else f"_{ord(each):02x}" for each in name)


def listed_phase(phase: str) -> str:
    """As the lists keep it: the phases before the job follow each other within seconds, and are one there."""
    return PENDING if phase in _BEFORE_THE_JOB else phase


def source_of(source: SourceView | None) -> str:
    """The folder of the blobs that started a run, below its container; empty without such blobs."""
    return f"{source['container']}/{source['folder']}" if source else ""


def to_milliseconds(moment: datetime) -> datetime:
    """The start of a run is kept and compared in milliseconds."""
    return moment - timedelta(microseconds=moment.microsecond % 1_000)


def _time_left(moment: datetime) -> str:
    return f"{_FAR - int(_milliseconds(moment)):0{_DIGITS}d}"


def _milliseconds(moment: datetime) -> float:
    return (moment - _EPOCH) / timedelta(milliseconds=1)


def _time(text: str) -> datetime:
    moment = parse_timestamp(text)
    assert moment is not None, "this module writes ISO 8601"
    return moment
