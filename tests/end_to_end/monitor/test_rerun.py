"""Running a run again from the page: the question, the new run, and a run that may still have a job."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from batch.api.run_view import RunView
from tests.end_to_end.monitor.fake_api import answer, fake_run, serve

RERUN = "**/api/batch-runs/one/rerun"
MAY_HAVE_A_JOB = 'Run one may have a job. If none runs, send {"confirm_no_job": true}.'


@pytest.fixture
def runs(page: Page, monitor_url: str) -> list[RunView]:
    runs = [
        fake_run("one", "Failed", rerun_of=None, reruns=[]),
        fake_run("one.2", "Running", rerun_of="one", reruns=[]),
    ]
    serve(page, runs)
    page.goto(f"{monitor_url}#/runs/one")
    return runs


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary")


def started(page: Page, runs: list[RunView]) -> list[Any]:
    """What the page sends; the app answers with the new run."""
    sent: list[Any] = []

    def start(route: Route) -> None:
        sent.append(route.request.post_data_json)
        runs[0]["reruns"] = ["one.2"]
        answer(route, {"id": "one.2"}, 202)

    page.route(RERUN, start)
    return sent


def test_a_run_that_ended_is_run_again_and_the_new_run_opens(page: Page, runs: list[RunView]) -> None:
    sent = started(page, runs)
    panel(page).get_by_role("button", name="Run again…").click()
    expect(page.get_by_role("dialog")).to_contain_text("A new run starts with the same request")
    assert sent == []
    page.get_by_role("dialog").get_by_role("button", name="Run again").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(panel(page).get_by_role("heading", name="one.2")).to_be_visible()
    assert sent == [None]
    # A run under way has no such button, and each of both leads to the other.
    expect(panel(page).get_by_role("button", name="Run again…")).to_have_count(0)
    panel(page).get_by_role("link", name="one", exact=True).click()
    panel(page).get_by_role("link", name="one.2", exact=True).click()
    expect(panel(page).get_by_role("heading", name="one.2")).to_be_visible()


def test_a_run_that_may_have_a_job_needs_a_second_answer(page: Page, runs: list[RunView]) -> None:
    page.route(RERUN, lambda route: answer(route, {"detail": MAY_HAVE_A_JOB}, 409))
    panel(page).get_by_role("button", name="Run again…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Run again").click()
    expect(dialog.get_by_role("alert")).to_have_text(MAY_HAVE_A_JOB)
    page.unroute(RERUN)
    sent = started(page, runs)
    dialog.get_by_role("button", name="I looked: it has no job. Run again").click()
    expect(panel(page).get_by_role("heading", name="one.2")).to_be_visible()
    assert sent == [{"confirm_no_job": True}]


def test_a_failure_is_shown_and_confirms_nothing(page: Page, runs: list[RunView]) -> None:
    page.route(RERUN, lambda route: answer(route, {"detail": "The task hub does not answer."}, 503))
    panel(page).get_by_role("button", name="Run again…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Run again").click()
    expect(dialog.get_by_role("alert")).to_have_text("The task hub does not answer.")
    page.unroute(RERUN)
    sent = started(page, runs)
    dialog.get_by_role("button", name="Try again").click()
    expect(panel(page).get_by_role("heading", name="one.2")).to_be_visible()
    assert sent == [None]


def test_a_question_that_was_left_starts_nothing(page: Page, runs: list[RunView]) -> None:
    sent = started(page, runs)
    panel(page).get_by_role("button", name="Run again…").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(panel(page).get_by_role("button", name="Run again…")).to_be_visible()
    assert sent == []
