"""On a phone: short cards, and nothing is cut off."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.monitor.fake_api import fake_run, serve

TROUBLE = {"code": "access_denied", "message": "Denied", "advice": "Ask."}


@pytest.fixture
def phone(page: Page, monitor_url: str) -> Page:
    page.set_viewport_size({"width": 360, "height": 740})
    runs = [fake_run(f"run-{number:02}", minutes_ago=30 + number) for number in range(43)]
    runs[0] = fake_run("alpha", "Running", minutes_ago=25.5)
    runs[1]["error"] = TROUBLE  # type: ignore[typeddict-item]
    serve(page, runs)
    page.goto(monitor_url)
    expect(page.locator("#live-text")).to_have_text("Live")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_needs_no_horizontal_scrolling(phone: Page, scheme: Any, snap: Callable[[str], Any]) -> None:
    phone.emulate_media(color_scheme=scheme)
    for width in (320, 360):
        phone.set_viewport_size({"width": width, "height": 740})
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    snap(f"phone-{scheme}")
    phone.locator("#rows tr").first.click()
    expect(phone.get_by_role("heading", name="alpha")).to_be_visible()
    box = phone.get_by_role("complementary").bounding_box()
    assert box and (box["x"], box["width"]) == (0, 360)
    snap(f"phone-detail-{scheme}")


def test_a_card_has_two_lines_and_a_third_for_an_error_only(phone: Page) -> None:
    def tops(selector: str) -> list[float]:
        return (
            phone.locator("#rows tr")
            .first.locator(selector)
            .evaluate_all(
                "nodes => [...new Set(nodes.map(node => Math.round(node.getBoundingClientRect().top / 8)))]"
            )
        )

    assert len(tops("td.run a")) == 1
    assert len(tops(".phase, .elapsed, time")) == 1
    for hidden in (".job", ".endpoint", ".checks", ".bars"):
        expect(phone.locator(f"#rows tr:first-child {hidden}")).to_be_hidden()
    rows = [row.bounding_box() for row in phone.locator("#rows tr").all()[:3]]
    one, trouble, other = [box["height"] for box in rows if box]
    assert one == other < trouble
    expect(phone.locator("#rows tr").nth(1)).to_contain_text("access_denied")


def test_a_page_has_twenty_runs(phone: Page) -> None:
    expect(phone.locator("#range")).to_have_text("1\N{EN DASH}20 of 43")
    phone.get_by_role("button", name="Next").click()
    expect(phone.locator("#rows tr")).to_have_count(20)
    phone.set_viewport_size({"width": 1440, "height": 900})
    expect(phone.locator("#range")).to_have_text("1\N{EN DASH}43 of 43")


def test_the_search_has_its_own_row_and_space_for_its_hint(phone: Page) -> None:
    search, period = (
        phone.get_by_role("searchbox").bounding_box(),
        phone.get_by_label("Started").bounding_box(),
    )
    assert search and period
    assert search["y"] + search["height"] <= period["y"]
    needed = phone.get_by_role("searchbox").evaluate(
        "node => { const pen = document.createElement('canvas').getContext('2d');"
        " pen.font = getComputedStyle(node).font; return pen.measureText(node.placeholder).width; }"
    )
    assert needed < search["width"] - 25


def test_the_actions_stay_in_one_row(phone: Page) -> None:
    phone.locator("#rows tr").first.click()
    actions = phone.locator("#detail .actions")
    tops = actions.locator("a, button").evaluate_all(
        "nodes => nodes.map(node => node.getBoundingClientRect().top)"
    )
    assert len(tops) == 3 and len(set(tops)) == 1
    expect(actions.get_by_role("link", name="Open in Studio")).to_have_css("border-top-style", "solid")
