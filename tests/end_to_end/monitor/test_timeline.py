"""The timeline of a run: its steps in order, and how long each took."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from batch.api.run_view import RunView
from batch.timestamps import format_timestamp
from tests.end_to_end.monitor.fake_api import fake_run, serve


def opened(page: Page, monitor_url: str, run: RunView) -> Page:
    serve(page, [run])
    page.goto(f"{monitor_url}#/runs/{run['run_id']}")
    expect(page.locator(".steps")).to_be_visible()
    return page


def cancellation(at: str, cause: str = "request") -> dict[str, Any]:
    return {"cause": cause, "requested_at": at, "accepted": True}


def fake(phase: str, **fields: Any) -> RunView:
    return fake_run("one", phase, **fields)


@pytest.mark.parametrize(
    ("run", "steps"),
    [
        (fake("Completed"), ["Requested", "Job created", "Running", "Ended: Completed"]),
        (fake("Failed", submitted_at=None, running_at=None), ["Requested", "Ended: Failed"]),
        (fake("TimedOut", running_at=None), ["Requested", "Job created", "Ended: Timed out"]),
        (
            fake("Submitting", submitted_at=None, running_at=None),
            ["Requested", "Job created", "Running", "Ended"],
        ),
        (
            fake(
                "Canceling", running_at=None, cancellation=cancellation(format_timestamp(datetime.now(UTC)))
            ),
            ["Requested", "Job created", "Cancel requested", "Ended"],
        ),
    ],
    ids=lambda value: value["phase"] if isinstance(value, dict) else "",
)
def test_steps_that_happened_or_may_happen_are_shown_in_order(
    page: Page, monitor_url: str, run: RunView, steps: list[str]
) -> None:
    opened(page, monitor_url, run)
    expect(page.locator(".steps li > span:first-child")).to_have_text(steps)


def test_each_step_has_its_own_time(page: Page, monitor_url: str) -> None:
    run = fake("TimedOut")
    asked = format_timestamp(datetime.now(UTC))
    run["cancellation"] = cancellation(asked, "timeout")  # type: ignore[typeddict-item]
    run["ended_at"] = asked
    opened(page, monitor_url, run)
    times = page.locator(".steps time").evaluate_all("times => times.map(time => time.dateTime)")
    assert times == [run["started_at"], run["submitted_at"], run["running_at"], asked, asked]
    expect(page.locator(".steps")).to_contain_text("Out of time: cancel requested")


def test_a_cancel_before_the_job_ran_is_shown_before_it(page: Page, monitor_url: str) -> None:
    run = fake("Canceled")
    assert run["submitted_at"]
    run["cancellation"] = cancellation(run["submitted_at"])  # type: ignore[typeddict-item]
    opened(page, monitor_url, run)
    expect(page.locator(".steps li > span:first-child")).to_have_text(
        ["Requested", "Job created", "Cancel requested", "Running", "Ended: Canceled"]
    )


def test_an_end_before_the_start_gives_no_negative_time(page: Page, monitor_url: str) -> None:
    run = fake("Completed")
    run["ended_at"], run["running_at"] = run["submitted_at"], run["last_check_at"]
    opened(page, monitor_url, run)
    expect(page.locator(".steps .gap")).to_have_text(
        ["Starting for 3 s", "Queued for < 1 s", "Running for < 1 s"]
    )
    expect(page.locator(".steps li").last).to_contain_text("Ended: Completed")


def test_dots_have_the_colours_of_the_bar(page: Page, monitor_url: str) -> None:
    opened(
        page,
        monitor_url,
        fake("Canceling", cancellation=cancellation(format_timestamp(datetime.now(UTC)))),
    )
    colour = "(nodes, pseudo) => nodes.map(node => getComputedStyle(node, pseudo).backgroundColor)"
    dots = page.locator(".steps li.done").evaluate_all(colour, "::before")
    segments = page.locator("#timeline .bars span").evaluate_all(colour)
    assert dots == segments
    assert len(set(dots)) == 4


def test_bars_have_a_text_and_grow_with_the_clock(page: Page, monitor_url: str) -> None:
    page.clock.install()
    serve(page, [fake_run("one", "Running", minutes_ago=5)])
    page.goto(monitor_url)
    bar = page.locator("#rows .bars")
    expect(bar).to_have_attribute(
        "title", re.compile(r"^Starting for 3 s\nQueued for 4 min 2 s\nRunning for")
    )
    running = bar.locator(".running")
    before = float(running.evaluate("node => node.style.flexGrow"))

    page.route("**/api/batch-runs**", lambda route: None)  # From here on only the clock changes the page.
    page.clock.run_for(9_000)
    assert float(running.evaluate("node => node.style.flexGrow")) > before
