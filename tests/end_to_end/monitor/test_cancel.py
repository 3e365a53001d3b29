"""Canceling a run from the page: what the page shows before, meanwhile, and after."""

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from batch.api.run_view import RunView
from batch.timestamps import format_timestamp
from tests.end_to_end.monitor.fake_api import answer, fake_run, serve

CANCEL = "**/api/batch-runs/one/cancel"
NOT_YET = "Cancel requested; not yet confirmed"


@pytest.fixture
def runs(page: Page, monitor_url: str) -> list[RunView]:
    runs = [fake_run("one", "Running"), fake_run("two", "Running")]
    serve(page, runs)
    page.goto(f"{monitor_url}#/runs/one")
    return runs


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary")


def confirm(page: Page) -> None:
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_role("button", name="Cancel the job").click()


def test_the_page_says_that_a_cancel_was_requested_until_the_run_does(
    page: Page, runs: list[RunView]
) -> None:
    page.route(CANCEL, lambda route: answer(route, {}, 202))
    confirm(page)
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(panel(page).get_by_text(NOT_YET)).to_be_focused()
    expect(panel(page).get_by_role("button", name="Cancel…")).to_have_count(0)

    page.locator("#rows").get_by_role("link", name="two").click()
    expect(panel(page).get_by_role("button", name="Cancel…")).to_be_visible()
    page.locator("#rows").get_by_role("link", name="one").click()
    expect(panel(page).get_by_text(NOT_YET)).to_be_visible()

    reported: Any = {
        "cause": "request",
        "requested_at": format_timestamp(datetime.now(UTC)),
        "accepted": True,
    }
    runs[0].update(phase="Canceling", cancellation=reported)
    expect(panel(page).get_by_text(NOT_YET)).to_have_count(0)
    expect(panel(page).locator(".steps")).to_contain_text("Cancel requested")


def test_a_second_cancel_cannot_be_sent_meanwhile(page: Page, runs: list[RunView]) -> None:
    waiting: list[Route] = []
    page.route(CANCEL, lambda route: waiting.append(route))
    confirm(page)
    expect(page.get_by_role("button", name="Cancel the job")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(panel(page).get_by_text(NOT_YET)).to_be_visible()
    answer(waiting[0], {}, 202)


def test_a_cancel_that_failed_can_be_retried(page: Page, runs: list[RunView]) -> None:
    page.route(CANCEL, lambda route: answer(route, {"detail": "The task hub does not answer."}, 503))
    confirm(page)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The task hub does not answer.")
    expect(dialog.get_by_role("button", name="Try again")).to_be_enabled()
    dialog.get_by_role("button", name="Keep it running").click()
    expect(panel(page)).to_contain_text("Not canceled. The task hub does not answer.")

    page.unroute(CANCEL)
    page.route(CANCEL, lambda route: answer(route, {}, 202))
    panel(page).get_by_role("button", name="Try again").click()
    dialog.get_by_role("button", name="Try again").click()
    expect(panel(page).get_by_text(NOT_YET)).to_be_visible()
    expect(panel(page)).not_to_contain_text("Not canceled.")


def test_the_cancel_of_a_run_that_ended_meanwhile_cannot_be_retried(page: Page, runs: list[RunView]) -> None:
    page.route(CANCEL, lambda route: answer(route, {"detail": "Run one has already ended."}, 409))
    page.get_by_role("button", name="Cancel…").click()
    runs[0].update(phase="Completed", ended_at=format_timestamp(datetime.now(UTC)))
    page.get_by_role("button", name="Cancel the job").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("has already ended")
    expect(dialog.get_by_role("button")).to_have_text(["Close"])


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_the_question_has_a_distance_from_the_edges(page: Page, runs: list[RunView], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.get_by_role("button", name="Cancel…").click()
    box = page.get_by_role("dialog").bounding_box()
    assert box and box["x"] >= 15 and box["x"] + box["width"] <= width - 15
