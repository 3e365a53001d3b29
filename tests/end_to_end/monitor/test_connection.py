"""What the page shows while the app cannot be reached."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.end_to_end.monitor.fake_api import RUNS, fake_run, serve

SIZES = {"desktop": (1440, 900), "laptop": (1024, 768), "phone": (390, 844)}


@pytest.fixture
def watched(page: Page, monitor_url: str) -> Page:
    serve(page, [fake_run("one", "Running"), fake_run("two")])
    page.goto(monitor_url)
    expect(page.locator("#live-text")).to_have_text("Live")
    return page


def lose(page: Page) -> None:
    # The first route stays: without it an update in between would show the host's own runs.
    page.route(RUNS, lambda route: route.abort())
    expect(page.locator("#live-text")).to_have_text("Not connected")


def test_the_runs_stay_on_screen_and_the_page_reconnects_automatically(
    watched: Page, snap: Callable[[str], Any]
) -> None:
    lose(watched)
    expect(watched.get_by_role("alert").filter(has_text="The app does not answer.")).to_be_visible()
    expect(watched.locator("#banner")).to_contain_text("Retrying automatically in")
    expect(watched.get_by_role("link", name="one")).to_be_visible()
    snap("connection-lost")
    watched.unroute(RUNS)
    serve(watched, [fake_run("one", "Completed")])
    expect(watched.locator("#rows")).to_contain_text("Completed")
    expect(watched.locator("#banner")).to_be_hidden()


@pytest.mark.parametrize("size", SIZES)
def test_the_banner_is_visible_with_a_run_open(watched: Page, size: str) -> None:
    width, height = SIZES[size]
    watched.set_viewport_size({"width": width, "height": height})
    watched.get_by_role("link", name="one").click()
    expect(watched.get_by_role("heading", name="one")).to_be_visible()
    lose(watched)
    seen = watched.get_by_text("The app does not answer.").evaluate_all(
        "nodes => nodes.filter(node => { const [line] = node.getClientRects();"
        " return line && node.contains(document.elementFromPoint(line.right - 3, line.top + 5)); }).length"
    )
    assert seen == 1


def test_without_a_connection_the_clocks_stand_still(watched: Page) -> None:
    watched.get_by_role("link", name="one").click()
    clocks = watched.locator(
        "#rows .active .elapsed, #rows .active .checks .sub, #detail-elapsed, #detail .gap"
    )
    expect(clocks).to_have_count(6)
    lose(watched)
    assert watched.evaluate("clock()") == watched.evaluate("live.updatedAt")
    before = clocks.all_text_contents()
    watched.wait_for_timeout(2_200)
    assert clocks.all_text_contents() == before
    muted = "node => getComputedStyle(node).color"
    active, ended = watched.locator("#rows tr.active .phase"), watched.locator("#rows tr:not(.active) .phase")
    assert active.evaluate(muted) == watched.locator("#range").evaluate(muted) != ended.evaluate(muted)


def test_the_first_failure_shows_the_time_of_the_next_try(page: Page, monitor_url: str) -> None:
    page.route(RUNS, lambda route: route.fulfill(status=500))
    page.goto(monitor_url)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.locator("#state .retry")).to_have_text(re.compile(r"^Retrying automatically in \d+ s\.$"))
    page.unroute(RUNS)
    serve(page, [fake_run("back")])
    expect(page.get_by_role("link", name="back")).to_be_visible()


def test_a_run_that_could_not_be_read_is_requested_again(page: Page, monitor_url: str) -> None:
    request = {"inputs": {}, "outputs": {}, "deployment": "blue"}
    serve(page, [fake_run("one", "Running", request=request)])
    answers = iter([503, 503])

    def fail_at_first(route: Route) -> None:
        status = next(answers, None)
        if status:
            route.fulfill(status=status)
        else:
            route.fallback()

    page.route("**/api/batch-runs/one", fail_at_first)
    page.goto(f"{monitor_url}#/runs/one")
    expect(page.get_by_role("complementary")).to_contain_text("blue")


def test_a_login_that_has_expired_is_reported(watched: Page) -> None:
    asked: list[str] = []
    watched.on("request", lambda request: asked.append(request.url))
    watched.unroute(RUNS)
    watched.route(
        RUNS, lambda route: route.fulfill(status=302, headers={"Location": "https://login.example/"})
    )
    expect(watched.get_by_role("alert").filter(has_text="refuses this page's key or login")).to_be_visible()
    assert not [url for url in asked if "login.example" in url]
