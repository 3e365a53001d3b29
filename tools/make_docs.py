"""Writes the tables of the documentation that follow from the code: ``python -m tools.make_docs``, or ``make docs``.

A table stands between ``<!-- generated: NAME -->`` and ``<!-- end of generated -->``. ``TABLES`` has the names.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from batch.advice import advice
from batch.api.responses import ApiError
from batch.errors import ErrorCode
from batch.new_data.template import PLACEHOLDERS
from batch.run import job_status
from batch.run.attention import ADVICE, AttentionCode
from batch.run.job_status import Bucket
from batch.run.phases import TERMINATED
from batch.run.reason import outcome_of
from client import follow_command, phases

ROOT = Path(__file__).parent.parent
PATTERNS = ("*.md", "docs/*.md")
_GENERATED = re.compile(
    r"(?P<start><!-- generated: (?P<name>[\w-]+) -->\n\n).*?(?P<end><!-- end of generated -->)", re.DOTALL
)


def errors() -> str:
    """Each error code of a run, the phase in which it ends the run, and the advice."""
    also = {ErrorCode.INTERNAL: f", or {TERMINATED}"}
    rows = ((f"`{code}`", f"{outcome_of(code)}{also.get(code, '')}", advice(code)) for code in ErrorCode)
    return _table(("code", "the run is", "what to do"), rows)


def attention() -> str:
    """Each cause for which a run needs a person."""
    meanings = {
        AttentionCode.RUN_NOT_STARTED: "the run was accepted more than ten minutes ago and has not begun",
        AttentionCode.RUN_NOT_CHECKED: (
            "the run goes on, and three of its checks are missing, or a step has been due for ten minutes"
        ),
        AttentionCode.JOB_NOT_MOVING: "the job has been `NotResponding` or `CancelRequested` for an hour",
    }
    rows = ((f"`{code}`", meanings[code], ADVICE[code]) for code in AttentionCode)
    return _table(("code", "what happens", "what to do"), rows)


def refusals() -> str:
    """Each error with which the API refuses a request."""
    steps = {
        ApiError.INVALID_REQUEST: "`errors` names every wrong field; correct all of them",
        ApiError.NO_SUCH_RUN: "check the id; ended runs are purged after `RUN_RETENTION_DAYS`",
        ApiError.NO_LOG: "wait until the job has begun; `detail` names the logs that there are",
        ApiError.ID_IN_USE: "this `run_id` belongs to another request: use a new one",
        ApiError.ALREADY_ENDED: "nothing: the run has no job left to cancel",
        ApiError.MAY_HAVE_A_JOB: "`detail` says what to check; then confirm with `confirm_no_job`",
        ApiError.NOT_REPEATABLE: "start a new run, with a request of your own",
        ApiError.REQUEST_GONE: "start a new run: the orchestration was purged, and the request with it",
        ApiError.LOG_UNAVAILABLE: "read it later, or in Azure ML Studio; `detail` says what Azure ML answered",
        ApiError.STORE_UNAVAILABLE: "send the same request again: with the same `run_id` it starts once",
    }
    rows = ((str(error.status), error.title, steps[error]) for error in ApiError)
    return _table(("status", "title", "what to do"), rows)


def placeholders() -> str:
    """Each placeholder of a rule's ``input_uri`` and ``output_uri``."""
    meanings = {
        "run_id": "the run's id; `output_uri` must hold it, since an output that exists fails the job",
        "account": "the storage account of the blob",
        "container": "the container of the blob",
        "folder": "the folder of the blob, without a slash at the end",
        "file": "the name of the blob in its folder; in rules of the kind `file` only",
        "path": "the file, or its folder with a slash at the end",
        "date": "day of the upload in UTC, `2026-01-31`",
        "year": "year of the upload, `2026`",
        "month": "month of the upload, `01`",
        "day": "day of the month, `31`",
        "hour": "hour of the upload, `00` to `23`",
    }
    rows = ((f"`{{{name}}}`", meanings[name]) for name in PLACEHOLDERS)
    return _table(("placeholder", "stands for"), rows)


def job_statuses() -> str:
    """Each job status that the app knows, by its bucket."""
    meanings = {
        Bucket.WAITING: "is Queued",
        Bucket.WORKING: "is Running",
        Bucket.ENDED: "ends",
        Bucket.UNCLEAR: "continues as before, until its timeouts",
    }
    names = {
        bucket: [name for name, its in job_status._BUCKETS.items() if its is bucket] for bucket in Bucket
    }
    names[Bucket.UNCLEAR].append("and any that Azure ML invents")
    rows = ((bucket.value, ", ".join(names[bucket]), meanings[bucket]) for bucket in Bucket)
    return _table(("bucket", "statuses", "the run"), rows)


def exit_codes() -> str:
    """Each exit code of the command that follows a run."""
    rows = [(str(code), ", or ".join(names)) for code, names in phases.exit_codes().items()]
    rows += [
        (
            str(follow_command.NOT_READABLE),
            "could not be read: unknown, refused, or the app has not answered for a minute",
        ),
        (str(follow_command.LEFT), "was left with Ctrl-C, and continues"),
    ]
    return _table(("exit code", "the run"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "errors": errors,
    "attention": attention,
    "refusals": refusals,
    "placeholders": placeholders,
    "job-statuses": job_statuses,
    "exit-codes": exit_codes,
}


def documents() -> list[Path]:
    return sorted(path for pattern in PATTERNS for path in ROOT.glob(pattern))


def names(text: str) -> list[str]:
    """The tables that a document asks for."""
    return [found["name"] for found in _GENERATED.finditer(text)]


def current(text: str) -> str:
    """The document with its tables as the code has them today. Raises KeyError for a name that is not known."""
    return _GENERATED.sub(lambda found: found["start"] + TABLES[found["name"]]() + found["end"], text)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [" | ".join(head), "|".join("---" for _ in head)]
    lines += [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "".join(f"|{line}|\n" if line.startswith("---") else f"| {line} |\n" for line in lines)


def main() -> None:
    for path in documents():
        before = path.read_text()
        after = current(before)
        if after != before:
            path.write_text(after)
            print(f"{path.relative_to(ROOT)} is written")


if __name__ == "__main__":
    main()
