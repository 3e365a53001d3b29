"""The reason and the log of a failed job on the page."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.end_to_end.harness import App
from tests.end_to_end.monitor.fake_api import answer, fake_run, serve

LOG = "**/api/batch-runs/one/log?tail=100"
MARKUP = "<img src=x onerror=alert(1)>"
LINES = f"scored 10 of 40 files\n  {MARKUP}\nKeyError: 'age'\n"


@pytest.fixture
def panel(page: Page, monitor_url: str) -> Locator:
    error: Any = {
        "code": "job_failed",
        "message": "Job batchjob-one failed in step score: KeyError: 'age'",
        "advice": "Correct it.",
        "reason": {"code": "UserError", "message": "KeyError: 'age'", "step": "score"},
    }
    serve(page, [fake_run("one", "Failed", error=error), fake_run("two", "Running", job=None)])
    page.goto(f"{monitor_url}#/runs/one")
    return page.get_by_role("complementary")


def give_log(route: Route, text: str = LINES) -> None:
    route.fulfill(status=200, content_type="text/plain; charset=utf-8", body=text)


def test_the_list_shows_the_reason_in_place_of_the_code(page: Page, panel: Locator) -> None:
    row = page.locator("#rows tr[data-run=one]")
    expect(row).to_contain_text("KeyError: 'age'")
    expect(row).not_to_contain_text("job_failed")


def test_an_open_run_tells_its_reason_once(panel: Locator) -> None:
    trouble = panel.locator(".trouble")
    expect(trouble).to_contain_text("job_failed, in Azure ML UserError")
    assert panel.inner_text().count("KeyError") == 1
    assert "https://" not in trouble.inner_text()


def test_the_log_is_read_when_asked_for(page: Page, panel: Locator) -> None:
    asked: list[str] = []
    page.route(LOG, lambda route: (asked.append(route.request.url), give_log(route)))
    expect(panel.locator(".log")).to_have_count(0)
    panel.get_by_role("button", name="Last log lines").click()
    expect(panel.locator(".log")).to_contain_text("KeyError: 'age'")
    assert len(asked) == 1
    expect(page.locator("img")).to_have_count(0)
    expect(panel.get_by_role("button", name="Read the log again")).to_be_focused()
    panel.get_by_role("button", name="Read the log again").click()
    expect(page.get_by_text("The log was read.")).to_be_attached()
    assert len(asked) == 2


def test_the_end_of_a_long_log_is_in_view(page: Page, panel: Locator) -> None:
    page.route(LOG, lambda route: give_log(route, "a line\n" * 500))
    # The button is then at the end of what is shown.
    page.set_viewport_size({"width": 1440, "height": 600})
    panel.get_by_role("button", name="Last log lines").click()
    expect(panel.locator(".log")).to_be_in_viewport(ratio=0.9)
    left = panel.locator(".log").evaluate("log => log.scrollHeight - log.clientHeight - log.scrollTop")
    assert left <= 1


def test_an_empty_log_is_no_failure(page: Page, panel: Locator) -> None:
    page.route(LOG, lambda route: give_log(route, ""))
    panel.get_by_role("button", name="Last log lines").click()
    expect(panel).to_contain_text("The log is empty.")


def test_a_log_that_cannot_be_read_says_why_and_can_be_read_again(page: Page, panel: Locator) -> None:
    page.route(LOG, lambda route: answer(route, {"detail": "Job batchjob-one has no log yet."}, 404))
    panel.get_by_role("button", name="Last log lines").click()
    expect(panel).to_contain_text("Job batchjob-one has no log yet.")
    page.unroute(LOG)
    page.route(LOG, lambda route: give_log(route))
    panel.get_by_role("button", name="Read the log again").click()
    expect(panel.locator(".log")).to_contain_text("KeyError: 'age'")


def test_a_run_without_a_job_has_no_log_to_read(page: Page, panel: Locator) -> None:
    page.locator("#rows").get_by_role("link", name="two").click()
    expect(panel).to_contain_text("No job yet.")
    expect(panel.get_by_role("button", name="Last log lines")).to_have_count(0)


def test_a_run_that_had_earlier_jobs_was_not_only_starting(page: Page, monitor_url: str) -> None:
    reason: Any = {"message": "Nodes of this job got pre-empted.", "code": "UserError", "step": "score"}
    serve(page, [fake_run("one", job_attempt=2, earlier_jobs=[{"name": "batchjob-zero", "reason": reason}])])
    page.goto(f"{monitor_url}#/runs/one")
    panel = page.get_by_role("complementary")
    expect(panel).to_contain_text("Nodes of this job got pre-empted.")
    expect(panel.locator("#timeline .gap").first).to_have_text("Earlier jobs for 3 s")


def test_the_log_of_a_real_run_is_shown(page: Page, app: App, monitor_url: str) -> None:
    run_id = app.start(endpoint_input_uri="azureml://datastores/samples/paths/nothing/")
    view = app.wait_for_end(run_id)
    page.goto(f"{monitor_url}#/runs/{run_id}")
    page.get_by_role("button", name="Last log lines").click()
    expect(page.locator(".log")).to_contain_text(view["error"]["reason"]["message"])
