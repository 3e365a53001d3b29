"""The filters are in the address: a reload, a shared link and the back button keep them."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.monitor.fake_api import fake_run, serve
from tests.end_to_end.monitor.test_list import ids


@pytest.fixture
def few(page: Page, monitor_url: str) -> Page:
    serve(
        page,
        [
            fake_run("alpha", "Running", minutes_ago=5),
            fake_run("beta", "TimedOut", minutes_ago=30),
            fake_run("gamma", "Failed", minutes_ago=600),
        ],
    )
    page.goto(monitor_url)
    return page


def test_a_reload_keeps_phase_text_and_time(few: Page, monitor_url: str) -> None:
    few.get_by_role("button", name="Timed out 1").click()
    few.get_by_role("searchbox").fill("beta")
    few.get_by_label("Started").select_option("Last hour")
    expect(few).to_have_url(f"{monitor_url}?phase=TimedOut&text=beta&since=3600")

    few.reload()
    expect(ids(few)).to_have_text(["beta"])
    expect(few.get_by_role("searchbox")).to_have_value("beta")
    expect(few.get_by_label("Started")).to_have_value("3600")
    expect(few.get_by_role("button", name="Timed out 1")).to_have_attribute("aria-pressed", "true")


def test_a_reload_keeps_two_times_in_any_time_zone(few: Page, monitor_url: str) -> None:
    few.get_by_label("Started").select_option("Between…")
    few.get_by_label("To", exact=True).fill("2020-07-01T12:30")
    expect(few).to_have_url(f"{monitor_url}?to=2020-07-01T10%3A30%3A00.000Z")
    few.reload()
    expect(few.get_by_label("To", exact=True)).to_have_value("2020-07-01T12:30")
    expect(few.get_by_role("heading", name="No run matches")).to_be_visible()


def test_clearing_the_filters_clears_the_address(few: Page, monitor_url: str) -> None:
    few.goto(f"{monitor_url}?phase=Completed&text=x")
    few.get_by_role("button", name="Clear the filters").click()
    expect(ids(few)).to_have_count(3)
    expect(few).to_have_url(monitor_url)


def test_an_open_run_and_the_back_button_keep_the_filters(few: Page, monitor_url: str) -> None:
    few.get_by_role("button", name="Failed 1").click()
    expect(few).to_have_url(re.compile("phase=Failed"))
    ids(few).first.click()
    expect(few).to_have_url(f"{monitor_url}?phase=Failed#/runs/gamma")
    few.get_by_role("button", name="All 3").click()
    expect(few).to_have_url(f"{monitor_url}#/runs/gamma")
    few.go_back()
    expect(few.get_by_role("complementary")).to_be_hidden()
    expect(ids(few)).to_have_text(["gamma"])


@pytest.mark.parametrize(
    "query", ["?phase=Nonsense&since=17", "?from=never&to=x", "?text=%3Cimg%20src%3Dx%3E"]
)
def test_an_address_with_invalid_values_is_harmless(few: Page, monitor_url: str, query: str) -> None:
    few.goto(monitor_url + query)
    expect(few.locator("#live-text")).to_have_text("Live")
    if "text" in query:
        expect(few.get_by_role("searchbox")).to_have_value("<img src=x>")
    else:
        expect(ids(few)).to_have_count(3)
