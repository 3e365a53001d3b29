"""The keyboard alone: to the list, through it, into a run and back."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.monitor.fake_api import fake_run, serve, until
from tests.end_to_end.monitor.test_list import ids

NAMES = ["alpha", "beta", "gamma", "delta"]


@pytest.fixture
def few(page: Page, monitor_url: str) -> Page:
    phases = ["Running", "Completed", "Failed", "Completed"]
    serve(
        page,
        [fake_run(*pair, minutes_ago=10 * i) for i, pair in enumerate(zip(NAMES, phases, strict=True))],
    )
    page.goto(monitor_url)
    expect(ids(page)).to_have_text(NAMES)
    return page


def test_the_keyboard_finds_opens_and_closes_a_run(few: Page) -> None:
    few.keyboard.press("/")
    few.keyboard.type("gamma")
    expect(ids(few)).to_have_text(["gamma"])
    link = ids(few).first
    for _ in range(12):
        if link.evaluate("node => node === document.activeElement"):
            break
        few.keyboard.press("Tab")
    few.keyboard.press("Enter")
    title = few.get_by_role("heading", name="gamma")
    expect(title).to_be_focused()
    expect(title).to_have_css("outline-style", "solid")
    few.keyboard.press("Escape")
    expect(few.get_by_role("complementary")).to_be_hidden()
    expect(link).to_be_focused()


def test_a_click_opens_a_run_without_an_outline_around_its_name(few: Page) -> None:
    few.locator("#rows tr").nth(1).locator("td.started").click()
    title = few.get_by_role("heading", name="beta")
    expect(title).to_be_focused()
    expect(title).to_have_css("outline-style", "none")


def test_the_first_tab_stop_is_a_link_to_the_runs(few: Page) -> None:
    few.keyboard.press("Tab")
    expect(few.get_by_role("link", name="Skip to runs")).to_be_focused()
    expect(few.get_by_role("link", name="Skip to runs")).to_be_in_viewport()
    few.keyboard.press("Enter")
    expect(ids(few).first).to_be_focused()


def test_the_list_is_one_tab_stop_and_arrow_keys_move_in_it(few: Page) -> None:
    ids(few).first.focus()
    for key, at in [
        ("ArrowDown", 1),
        ("ArrowDown", 2),
        ("ArrowUp", 1),
        ("End", 3),
        ("ArrowDown", 3),
        ("Home", 0),
    ]:
        few.keyboard.press(key)
        expect(ids(few).nth(at)).to_be_focused()
        expect(few.locator("#rows a[tabindex='0']")).to_have_text(NAMES[at])
    few.keyboard.press("End")
    few.keyboard.press("Tab")
    assert few.evaluate("!document.getElementById('rows').contains(document.activeElement)")
    few.keyboard.press("Shift+Tab")
    expect(ids(few).nth(3)).to_be_focused()


def test_the_question_before_a_cancel_opens_and_closes_with_keys(few: Page) -> None:
    ids(few).first.press("Enter")
    cancel = few.get_by_role("button", name="Cancel…")
    cancel.press("Enter")
    expect(few.get_by_role("button", name="Keep it running")).to_be_focused()
    few.keyboard.press("Escape")
    expect(few.get_by_role("dialog")).to_be_hidden()
    expect(few.get_by_role("complementary")).to_be_visible()
    expect(cancel).to_be_focused()


def test_updates_keep_the_focus(few: Page) -> None:
    ids(few).nth(1).focus()
    with few.expect_response("**/api/batch-runs**"):
        pass
    until(few, "live.updatedAt > 0 && !live.busy")
    expect(ids(few).nth(1)).to_be_focused()


def test_the_focus_stays_in_the_list_when_its_run_leaves_the_page(page: Page, monitor_url: str) -> None:
    runs: list[Any] = [fake_run(f"run-{number:02}", minutes_ago=number + 1) for number in range(50)]
    serve(page, runs)
    page.goto(monitor_url)
    ids(page).last.focus()
    runs.insert(0, fake_run("newest", "Running", minutes_ago=0))
    expect(ids(page).first).to_have_text("newest")
    expect(ids(page).first).to_be_focused()
