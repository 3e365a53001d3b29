"""The runs that are under way, as lines of text: run id, phase, time since the start, job, new data."""

from collections.abc import Iterator

from batch.run.phases import PHASES
from client.follow_view import data_text, elapsed, job_text
from client.run_client import RunClient, View

UNDER_WAY = ",".join(phase for phase, facts in PHASES.items() if not facts.ended)
_MOST = 200


def runs_under_way(client: RunClient) -> tuple[list[View], bool]:
    """The newest of them, and whether there are more. Raises NotReadable."""
    runs: list[View] = []
    continuation: str | None = None
    while True:
        page = client.list(UNDER_WAY, continuation)
        runs += page["runs"]
        continuation = page["continuation"]
        if continuation is None or len(runs) >= _MOST:
            return runs, continuation is not None


def lines(runs: list[View]) -> Iterator[str]:
    """A run id is never shortened: it is what one copies."""
    longest = max((len(view["run_id"]) for view in runs), default=0)
    for view in runs:
        attention = "  needs attention" if view.get("needs_attention") else ""
        data = f"  {data_text(view['source'])}" if view["source"] else ""
        facts = f"{view['phase']:<11}  {elapsed(view):>7}  {job_text(view)}"
        yield f"{view['run_id']:<{longest}}  {facts}{data}{attention}"
