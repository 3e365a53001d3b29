"""Finding a run: phases, text, time, order, pages; with a mouse, with keys, on a phone, among thousands."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from batch.run_view import PHASES, RunView
from tests.end_to_end.monitor.recorded import made_up_run, serve


@pytest.fixture
def few(page: Page, monitor_url: str) -> Page:
    serve(
        page,
        [
            made_up_run("alpha", "Running", minutes_ago=5),
            made_up_run("beta", "Completed", minutes_ago=30),
            made_up_run(
                "gamma",
                "Failed",
                minutes_ago=600,
                error={"code": "access_denied", "message": "Denied by policy 17", "advice": "Ask."},
            ),
            made_up_run("delta", "Completed", minutes_ago=5_000),
        ],
    )
    page.goto(monitor_url)
    return page


def ids(page: Page) -> Locator:
    return page.locator("#rows td.run a")


def test_all_are_listed_the_newest_first(few: Page) -> None:
    expect(ids(few)).to_have_text(["alpha", "beta", "gamma", "delta"])
    expect(few.locator("#range")).to_have_text("1\N{EN DASH}4 of 4")


def test_phases_can_be_chosen_together(few: Page) -> None:
    few.get_by_role("button", name="Failed 1").click()
    expect(ids(few)).to_have_text(["gamma"])
    few.get_by_role("button", name="Running 1").click()
    expect(ids(few)).to_have_text(["alpha", "gamma"])
    expect(few.get_by_role("button", name="Failed 1")).to_have_attribute("aria-pressed", "true")
    few.get_by_role("button", name="All 4").click()
    expect(ids(few)).to_have_count(4)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ALPHA", ["alpha"]),
        ("batchjob-be", ["beta"]),
        ("policy denied", ["gamma"]),
        ("energy", 4),
        ("x17", 0),
    ],
)
def test_text_finds_runs_jobs_endpoints_and_errors(few: Page, text: str, found: list[str] | int) -> None:
    few.get_by_role("searchbox").fill(text)
    if isinstance(found, int):
        expect(ids(few)).to_have_count(found)
    else:
        expect(ids(few)).to_have_text(found)


def test_nothing_found_offers_to_clear_the_filters(few: Page) -> None:
    few.get_by_role("searchbox").fill("nothing like this")
    few.get_by_role("button", name="Clear the filters").click()
    expect(ids(few)).to_have_count(4)


def test_time_narrows_the_list(few: Page) -> None:
    few.get_by_label("Started").select_option("Last hour")
    expect(ids(few)).to_have_text(["alpha", "beta"])
    few.get_by_label("Started").select_option("Last 24 hours")
    expect(ids(few)).to_have_count(3)
    few.get_by_label("Started").select_option("Between…")
    few.get_by_label("To", exact=True).fill("2020-01-01T00:00")
    expect(ids(few)).to_have_count(0)
    few.get_by_label("To", exact=True).fill("2090-01-01T00:00")
    expect(ids(few)).to_have_count(4)


def test_columns_sort_both_ways(few: Page) -> None:
    head = few.get_by_role("columnheader", name="Run")
    head.get_by_role("button").click()
    expect(ids(few)).to_have_text(["alpha", "beta", "delta", "gamma"])
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").click()
    expect(ids(few)).to_have_text(["gamma", "delta", "beta", "alpha"])


def test_keys_alone_find_open_and_close_a_run(few: Page) -> None:
    expect(ids(few)).to_have_count(4)
    few.keyboard.press("/")
    few.keyboard.type("gamma")
    expect(ids(few)).to_have_text(["gamma"])
    link = ids(few).first
    for _ in range(12):
        if link.evaluate("node => node === document.activeElement"):
            break
        few.keyboard.press("Tab")
    few.keyboard.press("Enter")
    expect(few.get_by_role("heading", name="gamma")).to_be_focused()
    expect(few.get_by_role("complementary")).to_contain_text("Denied by policy 17")
    few.keyboard.press("Escape")
    expect(few.get_by_role("complementary")).to_be_hidden()
    expect(link).to_be_focused()


def test_keys_alone_open_and_leave_the_question_before_a_cancel(few: Page) -> None:
    ids(few).first.press("Enter")
    cancel = few.get_by_role("button", name="Cancel…")
    cancel.press("Enter")
    expect(few.get_by_role("button", name="Keep it running")).to_be_focused()
    few.keyboard.press("Escape")
    expect(few.get_by_role("dialog")).to_be_hidden()
    expect(few.get_by_role("complementary")).to_be_visible()
    expect(cancel).to_be_focused()


def test_the_focus_survives_updates(look_again: Callable[[], None], few: Page) -> None:
    ids(few).nth(1).focus()
    with few.expect_response("**/api/batch-runs**"):
        look_again()
    expect(ids(few).nth(1)).to_be_focused()


@pytest.fixture(scope="module")
def thousands() -> list[RunView]:
    phases = [phase for phase in PHASES if phase != "Pending"]
    return [
        made_up_run(f"run-{number:04d}", phases[number % len(phases)], minutes_ago=number)
        for number in range(5_000)
    ]


def test_five_thousand_runs_stay_quick(
    page: Page, monitor_url: str, thousands: list[RunView], snap: Callable[[str], Any]
) -> None:
    serve(page, thousands)
    page.goto(monitor_url)
    expect(page.get_by_role("button", name="All 5,000")).to_be_visible()
    expect(page.locator("#live-text")).to_have_text("Live")
    assert ids(page).count() == 50
    snap("five-thousand")

    page.get_by_role("button", name="Next").click()
    expect(page.locator("#range")).to_have_text("51\N{EN DASH}100 of 5,000")
    expect(ids(page).first).to_have_text("run-0050")
    page.get_by_role("searchbox").fill("run-49")
    expect(page.locator("#range")).to_have_text("1\N{EN DASH}50 of 100")
    milliseconds = [
        page.evaluate(
            "() => { const began = performance.now(); draw(); document.body.offsetHeight;"
            " return performance.now() - began; }"
        )
        for _ in range(5)
    ]
    assert min(milliseconds) < 500


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phones_need_no_sideways_scrolling(few: Page, scheme: Any, snap: Callable[[str], Any]) -> None:
    few.emulate_media(color_scheme=scheme)
    few.set_viewport_size({"width": 360, "height": 740})
    expect(ids(few)).to_have_count(4)
    assert few.evaluate("document.documentElement.scrollWidth <= innerWidth")
    snap(f"phone-{scheme}")
    few.locator("#rows tr").first.click()
    expect(few.get_by_role("heading", name="alpha")).to_be_visible()
    box = few.get_by_role("complementary").bounding_box()
    assert box and (box["x"], box["width"]) == (0, 360)
    snap(f"phone-detail-{scheme}")
