"""A fake API: the real page gets its answers instead of the host's."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from playwright.sync_api import Page, Route

from batch.api.run_view import RunView
from batch.timestamps import format_timestamp
from tests.end_to_end.harness import wait_for

RUNS = "**/api/batch-runs**"
PAGE = 200

Handler = Callable[[Route], None]


def fake_run(run_id: str, phase: str = "Completed", *, minutes_ago: float = 60, **fields: Any) -> RunView:
    now = datetime.now(UTC)
    started = now - timedelta(minutes=minutes_ago)
    running = phase in ("Pending", "Authorizing", "Submitting", "Queued", "Running", "Canceling")

    def after(seconds: float) -> str:
        return format_timestamp(started + timedelta(seconds=seconds))

    view: dict[str, Any] = {
        "run_id": run_id,
        "phase": phase,
        "runtime_status": "Running" if running else "Completed" if phase == "Completed" else "Failed",
        "endpoint_uri": "https://energy.westeurope.inference.ml.azure.com/jobs",
        "identity": {"client_id": "11111111-2222-3333-4444-555555555555"},
        "job": {
            "name": f"batchjob-{run_id}",
            "status": phase,
            "studio_url": f"https://ml.azure.com/runs/batchjob-{run_id}",
        },
        "checks": 7,
        "started_at": after(0),
        "submitted_at": after(3),
        "running_at": after(245),
        "last_check_at": after(600),
        "next_check_at": format_timestamp(now + timedelta(minutes=2)) if running else None,
        "ended_at": None if running else after(900),
        "cancellation": None,
        "problem": None,
        "error": None,
    }
    return {**view, **fields}  # type: ignore[typeddict-item]  # a test may want a wrong type


def answer(route: Route, body: object, status: int = 200) -> None:
    kind = "application/json" if status < 400 else "application/problem+json"
    route.fulfill(status=status, content_type=kind, body=json.dumps(body))


def serve(page: Page, runs: Sequence[RunView], on_request: Handler | None = None) -> None:
    """Answers with ``runs``: pages of the list, ordered and filtered as the app does, and each single run."""
    by_id = {run["run_id"]: run for run in runs}

    def handle(route: Route) -> None:
        if on_request:
            on_request(route)
        url = urlsplit(route.request.url)
        run_id = unquote(url.path.partition("/batch-runs/")[2])
        if run_id:
            known = by_id.get(run_id)
            answer(route, known or {"detail": f"There is no run {run_id}."}, 200 if known else 404)
            return
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        phases = query.get("phase", "").split(",") if "phase" in query else None
        found = [
            run
            for run in sorted(runs, key=lambda run: run["started_at"] or "", reverse=True)
            if (phases is None or run["phase"] in phases)
            and run["started_at"] >= query.get("started_from", "")
        ]
        first = int(query.get("continuation", "0"))
        end = first + PAGE
        answer(route, {"runs": found[first:end], "continuation": str(end) if end < len(found) else None})

    page.route(RUNS, handle)


def until(page: Page, expression: str) -> None:
    """Evaluates from outside: the page's policy forbids the eval of Playwright's own wait."""
    wait_for(expression, lambda: bool(page.evaluate(expression)), limit=15)
