"""A run as text: a block for a terminal, a line for a file or a pipe."""

import re
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from batch.timestamps import parse_timestamp
from client.phases import color
from client.run_client import View


def block(view: View | None, trouble: str = "", *, with_error: bool = True) -> Table:
    """For a terminal. ``view`` is None before the first read; ``trouble`` says why the run cannot be read now."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    # A word that is longer than the line, such as an address, continues on the next one.
    table.add_column(overflow="fold")
    if view is not None:
        _add_run(table, view, with_error)
    if trouble:
        table.add_row("connection", Text(trouble, style="yellow"))
    return table


def to_copy(view: View) -> dict[str, str]:
    """What a person needs to carry out the advice, each on a line of its own: a command, an address."""
    trouble = view["error"] or view["problem"]
    told = {}
    # An earlier version of the app does not tell it.
    if trouble and (command := trouble.get("command")):
        told["command"] = command
    studio_url = (view["job"] or {}).get("studio_url")
    if studio_url and (trouble or _attention(view)):
        told["studio"] = studio_url
    return told


def outputs(view: View) -> list[str]:
    """Where the outputs of a completed run are. An earlier version of the app tells no links."""
    if view["phase"] != "Completed":
        return []
    links = view.get("output_links", {})
    return [links.get(name, {}).get("storage_url") or uri for name, uri in view.get("outputs", {}).items()]


def line(view: View, before: View | None = None) -> str:
    """For a file or a pipe. ``before`` is the run as the line before shows it."""
    over = ""
    if before:
        if before["problem"] and not (view["problem"] or view["error"]):
            over = f"  {before['problem']['code']} has passed"
        if (attention := _attention(before)) and not _attention(view):
            over += f"  {attention['code']} is over"
    return f"{elapsed(view):>7}  {summary(view)}{over}  checks {view['checks']}"


def summary(view: View) -> str:
    """The part of a line that must change before another line is printed."""
    problem = f"  problem {view['problem']['code']}" if view["problem"] else ""
    attention = _attention(view)
    needs = f"  needs attention: {attention['message']}" if attention else ""
    return f"{view['phase']:<11} job {job_text(view)}{problem}{needs}"


def _add_run(table: Table, view: View, with_error: bool) -> None:
    table.add_row("run", Text(view["run_id"]))
    table.add_row("phase", Text(view["phase"], style=f"bold {color(view['phase'])}"))
    if source := view["source"]:
        again = ", scores the whole folder again" if source.get("folder_count") else ""
        table.add_row("new data", Text(f"{data_text(source)}{again}"))
    table.add_row("job", Text(job_text(view)))
    # An earlier version of the app does not tell them.
    for job in view.get("earlier_jobs", ()):
        reason = job.get("reason")
        table.add_row("failed before", Text(f"{job['name']}: {reason['message']}" if reason else job["name"]))
    table.add_row("elapsed", elapsed(view))
    table.add_row("checks", f"{view['checks']}{_next_check(view)}")
    if error := view["error"]:
        if with_error:
            table.add_row("error", Text(error["message"], style="red"))
            table.add_row("what to do", Text(error["advice"]))
        return
    if attention := _attention(view):
        table.add_row("attention", Text(attention["message"], style="yellow"))
        table.add_row("what to do", Text(attention["advice"]))
    if problem := view["problem"]:
        table.add_row("problem", Text(problem["message"], style="yellow"))
        # An earlier version of the app does not tell it.
        if since := problem.get("since"):
            table.add_row("since", Text(since))
        if advice := _not_said_in(attention, problem["advice"]):
            table.add_row("what to do", Text(advice))
    for name, text in to_copy(view).items():
        table.add_row(name, Text(text))


def _not_said_in(attention: View | None, advice: str) -> str:
    """The sentences that the advice about the attention does not have."""
    said = attention["advice"] if attention else ""
    return " ".join(sentence for sentence in re.split(r"(?<=\.) ", advice) if sentence not in said)


def _attention(view: View) -> View | None:
    """An earlier version of the app does not tell it."""
    attention: View | None = view.get("needs_attention")
    return attention


def job_text(view: View) -> str:
    job = view["job"]
    return f"{job['name']} {job['status']}" if job else "-"


def data_text(source: View) -> str:
    """The folder, and how many files of it started the run."""
    # Left out for the first run of a folder, and by an earlier version of the app.
    count, all_files = source["count"], source.get("folder_count")
    new = f"{count} new of {all_files}" if all_files else count
    return (
        f"{source['container']}/{source['folder']}, {new} {'file' if (all_files or count) == 1 else 'files'}"
    )


def elapsed(view: View) -> str:
    started, ended = parse_timestamp(view["started_at"]), parse_timestamp(view["ended_at"])
    seconds = max(((ended or datetime.now(UTC)) - started).total_seconds() if started else 0.0, 0.0)
    if seconds < 60:
        return f"{seconds:.1f} s"
    hours, rest = divmod(int(seconds), 3_600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def _next_check(view: View) -> str:
    due = parse_timestamp(view["next_check_at"])
    left = (due - datetime.now(UTC)).total_seconds() if due else 0.0
    return f", next in {left:.0f} s" if left >= 1 else ""
