"""Writes the tables of the documentation that follow from the code: ``python -m tools.make_docs``, or ``make docs``.

A table stands between ``<!-- generated: NAME -->`` and ``<!-- end of generated -->``. ``TABLES`` has the names.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from batch.api.advice import advice
from batch.errors import ErrorCode
from batch.run import job_status
from batch.run.job_status import Bucket
from client import follow_command

ROOT = Path(__file__).parent.parent
PATTERNS = ("*.md", "docs/*.md")
_GENERATED = re.compile(
    r"(?P<start><!-- generated: (?P<name>[\w-]+) -->\n\n).*?(?P<end><!-- end of generated -->)", re.DOTALL
)


def errors() -> str:
    """Each error code of a run, the phase in which it ends the run, and the advice."""
    phases = {
        ErrorCode.SERVICE_UNAVAILABLE: "Failed, or a passing problem",
        ErrorCode.JOB_CANCELED: "Canceled",
        ErrorCode.TIMED_OUT: "TimedOut",
        ErrorCode.QUEUE_TIMED_OUT: "TimedOut",
        ErrorCode.INTERNAL: "Failed, or Terminated",
    }
    rows = ((f"`{code}`", phases.get(code, "Failed"), advice(code)) for code in ErrorCode)
    return _table(("code", "the run is", "what to do"), rows)


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
    by_code: dict[int, list[str]] = {}
    for phase, code in follow_command.EXIT_CODES.items():
        by_code.setdefault(code, []).append(phase)
    rows = [(str(code), ", or ".join(phases)) for code, phases in sorted(by_code.items())]
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
