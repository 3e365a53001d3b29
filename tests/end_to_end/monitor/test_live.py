"""The page and the real app: runs appear, change and end without a reload."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import requests
from playwright.sync_api import Page, expect

from batch.run.request import RunRequest
from batch.run.state import Run
from local.azure_ml import ControlClient
from tests.end_to_end.harness import App


def row(page: Page, run_id: str) -> Any:
    return page.locator("#rows tr", has=page.get_by_role("link", name=run_id, exact=True))


def test_a_run_is_shown_from_its_start_to_its_end_without_a_reload(
    page: Page, app: App, control: ControlClient, monitor_url: str, update_page: Callable[[], None]
) -> None:
    preparing, running = control.hold("Preparing"), control.hold("Running")
    page.goto(monitor_url)
    page.evaluate("window.sameDocument = true")

    run_id = app.start()
    app.wait_for_phase(run_id, "Queued")
    update_page()
    expect(row(page, run_id)).to_contain_text("Queued")
    control.release(preparing)
    app.wait_for_phase(run_id, "Running")
    update_page()
    expect(row(page, run_id)).to_contain_text("Running")
    control.release(running)
    app.wait_for_end(run_id)
    update_page()
    expect(row(page, run_id)).to_contain_text("Completed")
    assert page.evaluate("window.sameDocument")


def test_the_detail_shows_inputs_outputs_and_times(
    page: Page, app: App, control: ControlClient, monitor_url: str, snap: Callable[[str], Any]
) -> None:
    hold = control.hold("Running")
    run_id = app.start(deployment=None)
    app.wait_for_phase(run_id, "Running")
    control.release(hold)
    view = app.wait_for_end(run_id)
    page.goto(monitor_url)
    row(page, run_id).get_by_role("link").click()

    panel = page.get_by_role("complementary")
    expect(panel).to_contain_text("azureml://datastores/samples/paths/data/")
    expect(panel).to_contain_text(view["outputs"]["output_data"])
    expect(panel).to_contain_text(view["job"]["name"])
    for step in ("Requested", "Job created", "Running", "Ended: Completed"):
        expect(panel.locator(".steps")).to_contain_text(step)
    studio = panel.get_by_role("link", name="Open in Studio")
    expect(studio).to_have_attribute("href", view["job"]["studio_url"])
    expect(studio).to_have_attribute("rel", "noopener noreferrer")
    expect(panel.get_by_role("button", name="Cancel…")).to_have_count(0)
    snap("detail-completed")


def test_a_failed_run_shows_the_reason_and_the_advice(
    page: Page, app: App, monitor_url: str, snap: Callable[[str], Any]
) -> None:
    run_id = app.start(endpoint_input_uri="azureml://datastores/samples/paths/nothing/")
    view = app.wait_for_end(run_id)
    page.goto(f"{monitor_url}#/runs/{run_id}")

    panel = page.get_by_role("complementary")
    expect(panel).to_contain_text(view["error"]["message"])
    expect(panel).to_contain_text(f"What to do: {view['error']['advice']}")
    snap("detail-failed")


def test_a_cancel_asks_first_and_stops_the_job(
    page: Page,
    app: App,
    control: ControlClient,
    monitor_url: str,
    snap: Callable[[str], Any],
    update_page: Callable[[], None],
) -> None:
    control.hold("Running")
    run_id = app.start()
    job = app.wait_for_phase(run_id, "Running")["job"]["name"]
    page.goto(f"{monitor_url}#/runs/{run_id}")

    page.get_by_role("button", name="Cancel…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(job)
    snap("cancel")
    dialog.get_by_role("button", name="Keep it running").click()
    expect(dialog).to_be_hidden()
    assert control.counters().get("cancel", {}).get("requests", 0) == 0

    page.get_by_role("button", name="Cancel…").click()
    dialog.get_by_role("button", name="Cancel the job").click()
    expect(dialog).to_be_hidden()
    app.wait_for_end(run_id)
    update_page()
    panel = page.get_by_role("complementary")
    expect(panel).to_contain_text("Ended: Canceled")
    expect(panel.get_by_role("button", name="Cancel…")).to_have_count(0)
    assert control.job(job)["status"] == "Canceled"


def test_a_cancel_that_comes_too_late_is_reported(
    page: Page, app: App, control: ControlClient, monitor_url: str
) -> None:
    hold = control.hold("Running")
    run_id = app.start()
    app.wait_for_phase(run_id, "Running")
    page.goto(f"{monitor_url}#/runs/{run_id}")
    page.get_by_role("button", name="Cancel…").click()
    control.release(hold)
    app.wait_for_end(run_id)

    page.get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_role("dialog")).to_contain_text("has already ended: Completed")


def test_a_run_whose_id_is_markup_is_shown_as_text(page: Page, app: App, monitor_url: str) -> None:
    """Such an id can only come through the task hub's own API; the page must show it safely."""
    run_id = "<img src=x onerror=alert(1)>\"'&"
    request = RunRequest(
        endpoint_uri="https://not-allowed.example/jobs",
        inputs={},
        outputs={},
        deployment=None,
        experiment=None,
        poll_interval=1,
        queue_timeout=None,
        timeout=60,
        on_timeout="cancel",
    )
    url = f"{app.url}/runtime/webhooks/durabletask/orchestrators/batch_run/{quote(run_id, safe='')}"
    assert requests.post(url, json=Run(request=request).to_json(), timeout=60).status_code == 202

    page.goto(monitor_url)
    link = page.locator("#rows").get_by_role("link", name=run_id, exact=True)
    link.click()
    expect(page.get_by_role("heading", name=run_id, exact=True)).to_be_visible()
    expect(page.get_by_role("complementary")).to_contain_text("What to do")
    assert page.locator("img").count() == 0
