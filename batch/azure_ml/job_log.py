"""The log of a job: which file of its run history it is, and its last lines."""

import re
from collections.abc import Collection

from batch import thread_pools
from batch.azure_ml.log_file import read_end
from batch.azure_ml.run_history import RunHistory
from batch.errors import RunError, shorten
from batch.redaction import redact
from batch.settings import Settings

_FAVOURITES = (
    # Of the first process. The SDK of Azure ML prints this one, too.
    re.compile(r"user_logs/std_log\D*0*(?:_ps)?\.txt"),
    re.compile(r"user_logs/std_log.*"),
    re.compile(r".*/70_driver_log\.txt"),
    re.compile(r"logs/azureml/(?:stderrlogs|executionlogs)\.txt"),
    re.compile(r".*\.(?:txt|log)"),
)
"""Where a person looks first, and if it is not there, next."""


_TERMINAL_COMMAND = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?", re.ASCII
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MOST_NAMES = 50
_LONGEST_NAME = 200


class NoLog(Exception):
    """There is no such log. The text says which there are."""


async def last_lines(
    endpoint_uri: str, job_name: str, name: str | None, tail: int, settings: Settings
) -> str:
    """The last lines of the log ``name``, or of the one that tells most. Raises NoLog, RunError."""
    logs = await _logs_of(endpoint_uri, job_name, settings)
    found = name if name in logs else favourite(logs) if name is None else None
    if found is None:
        known = f" There are: {_listed(logs)}." if logs else ""
        wanted = f"no log {name!r}" if name else "no log yet"
        raise NoLog(f"Job {job_name} has {wanted}.{known}")
    text, is_whole = await thread_pools.job_logs.run(read_end, logs[found], settings)
    lines = text.splitlines()
    if not is_whole:
        # The first line is cut somewhere in the middle.
        lines = lines[1:] or lines
    return redact("".join(f"{_plain(line)}\n" for line in lines[-tail:]))


def favourite(names: Collection[str]) -> str | None:
    for pattern in _FAVOURITES:
        if matching := sorted(name for name in names if pattern.fullmatch(name)):
            return matching[-1]
    return None


def _plain(line: str) -> str:
    """Without what a terminal would obey: colours, but also commands that a script did not think of."""
    return _CONTROL.sub("", _TERMINAL_COMMAND.sub("", line))


def _listed(names: Collection[str]) -> str:
    first = [shorten(redact(name), _LONGEST_NAME) for name in sorted(names)[:_MOST_NAMES]]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


async def _logs_of(endpoint_uri: str, job_name: str, settings: Settings) -> dict[str, str]:
    """Addresses by name: of the step that failed or else is the newest, and if it has none, of the job itself."""
    history = await RunHistory.of_job(endpoint_uri, job_name, settings, thread_pools.job_logs)
    failure = None
    try:
        step = await history.step_to_look_at()
        if step and (logs := (await history.details(step.run_id)).logs):
            return dict(logs)
    except RunError as error:
        # The job itself may still tell its logs.
        failure = error
    logs = (await history.details(job_name)).logs
    if failure and not logs:
        raise failure
    return dict(logs)
