"""axe-core finds no violation in any state of the page, light and dark."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.end_to_end.monitor.fake_api import RUNS, fake_run, serve

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
TROUBLE = {"code": "service_unavailable", "message": "Azure answered 503.", "advice": "Wait."}


def assert_accessible(page: Page) -> None:
    # Colours are measured after all animations.
    page.evaluate("document.getAnimations().forEach(animation => animation.finish?.())")
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_list_detail_and_question_are_accessible(
    page: Page, monitor_url: str, scheme: Any, snap: Callable[[str], Any]
) -> None:
    page.emulate_media(color_scheme=scheme)
    phases = ["Queued", "Running", "Canceling", "Completed", "Failed", "Canceled", "TimedOut", "Terminated"]
    runs = [fake_run(phase.lower(), phase, minutes_ago=20 + i) for i, phase in enumerate(phases)]
    runs[0]["needs_attention"] = {**TROUBLE, "since": "2026-01-31T12:00:00.000Z"}
    runs[1]["problem"] = TROUBLE  # type: ignore[typeddict-item]
    runs[4]["error"] = TROUBLE  # type: ignore[typeddict-item]
    serve(page, runs)
    page.goto(monitor_url)
    expect(page.locator("#live-text")).to_have_text("Live")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(ground.removeprefix("rgb(").split(",")[0]) < 60) is (scheme == "dark")
    assert_accessible(page)
    snap(f"list-{scheme}")

    for run_id in ("failed", "queued", "running"):
        page.locator("#rows").get_by_role("link", name=run_id).click()
        expect(page.get_by_role("heading", name=run_id)).to_be_visible()
        assert_accessible(page)
        snap(f"detail-{run_id}-{scheme}")

    page.get_by_role("button", name="Cancel…").click()
    assert_accessible(page)
    snap(f"question-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("status", [200, 401, 500])
def test_the_page_is_accessible_when_empty_refused_or_failed(
    page: Page, monitor_url: str, scheme: Any, status: int
) -> None:
    page.emulate_media(color_scheme=scheme)
    if status == 200:
        serve(page, [])
    else:
        page.route(RUNS, lambda route: route.fulfill(status=status))
    page.goto(monitor_url)
    expect(page.locator("#state")).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_on_a_phone_is_accessible(page: Page, monitor_url: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 800})
    serve(page, [fake_run("one", "Running", problem=TROUBLE), fake_run("two", "Failed", error=TROUBLE)])
    page.goto(monitor_url)
    expect(page.get_by_role("link", name="one")).to_be_visible()
    assert_accessible(page)
    page.locator("#rows").get_by_role("link", name="one").click()
    expect(page.locator(".steps")).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_without_a_connection_is_accessible(
    page: Page, monitor_url: str, scheme: Any, width: int
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    serve(page, [fake_run("one", "Running", problem=TROUBLE), fake_run("two")])
    page.goto(monitor_url)
    expect(page.get_by_role("link", name="one")).to_be_visible()
    page.route(RUNS, lambda route: route.abort())
    expect(page.locator("#banner")).to_be_visible()
    assert_accessible(page)
    page.locator("#rows").get_by_role("link", name="one").click()
    assert_accessible(page)
