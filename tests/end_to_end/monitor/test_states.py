"""What the page shows when there are no runs, and when something fails."""

import json
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.end_to_end.harness import App
from tests.end_to_end.monitor.fake_api import RUNS, answer, fake_run, serve


def test_without_runs_the_page_shows_how_to_start_one(
    page: Page, monitor_url: str, snap: Callable[[str], Any]
) -> None:
    serve(page, [])
    page.goto(monitor_url)
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    snap("empty")


def test_the_command_that_it_shows_starts_a_run(
    page: Page, app: App, context: BrowserContext, monitor_url: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    serve(page, [])
    page.goto(monitor_url)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    command = page.evaluate("navigator.clipboard.readText()")
    assert command == page.locator("#state-command pre").text_content()
    answered = subprocess.run(
        ["bash", "-c", f"{command} -s"], capture_output=True, text=True, check=True, timeout=60
    )
    run_id = json.loads(answered.stdout)["id"]
    assert app.wait_for_phase(run_id, "Queued", "Running", "Completed")["job"]
    app.cancel(run_id)


def test_the_command_that_it_shows_reads_the_key_from_the_environment(page: Page, monitor_url: str) -> None:
    serve(page, [])
    page.goto(f"{monitor_url}?code=s3cr3t")
    command = page.locator("#state-command pre")
    expect(command).to_contain_text('"x-functions-key: $BATCH_FUNCTION_KEY"')
    expect(command).not_to_contain_text("s3cr3t")


def test_a_missing_role_comes_with_the_command_that_gives_it(page: Page, monitor_url: str) -> None:
    command = f"az role assignment create --scope /subscriptions/{'x' * 80}"
    denied = {"code": "access_denied", "message": "Denied.", "advice": "Give it.", "command": command}
    serve(page, [fake_run("denied-1", "Submitting", problem=denied)])
    page.goto(f"{monitor_url}#/runs/denied-1")
    panel = page.get_by_role("complementary")
    expect(panel.get_by_text(command)).to_be_visible()
    assert panel.evaluate("element => element.scrollWidth <= element.clientWidth"), (
        "the whole command is seen"
    )


def test_while_the_page_loads_it_says_so(page: Page, monitor_url: str, snap: Callable[[str], Any]) -> None:
    waiting: list[Route] = []
    page.route(RUNS, lambda route: waiting.append(route))
    page.goto(monitor_url)
    expect(page.locator("#live-text")).to_have_text("Loading")
    expect(page.locator("#rows.skeleton tr").first).to_be_visible()
    for name in ("Previous", "Next"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    snap("loading")
    answer(waiting[0], {"runs": [], "continuation": None})
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()


def test_a_failed_request_can_be_retried(page: Page, monitor_url: str, snap: Callable[[str], Any]) -> None:
    page.route(RUNS, lambda route: route.fulfill(status=500))
    page.goto(monitor_url)
    expect(page.get_by_role("heading", name="The runs cannot be read")).to_be_visible()
    expect(page.locator("#state-text")).to_contain_text("The app answered 500.")
    snap("error")
    page.unroute(RUNS)
    serve(page, [fake_run("back")])
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("link", name="back")).to_be_visible()
    expect(page.locator("#live-text")).to_have_text("Live")


def test_an_unknown_run_is_reported(page: Page, monitor_url: str) -> None:
    serve(page, [fake_run("one")])
    page.goto(f"{monitor_url}#/runs/gone")
    expect(page.get_by_text("There is no such run.")).to_be_visible()


def test_a_hidden_tab_sends_no_requests_and_updates_when_it_is_visible_again(
    page: Page, monitor_url: str
) -> None:
    asked: list[str] = []
    serve(page, [fake_run("one", "Running")], lambda route: asked.append(route.request.url))
    page.goto(monitor_url)
    expect(page.locator("#live-text")).to_have_text("Live")

    hide = """hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
        document.dispatchEvent(new Event('visibilitychange')); }"""
    page.clock.install()
    page.evaluate(hide, True)
    page.clock.run_for(1_000)
    asked.clear()
    page.clock.run_for(600_000)
    assert asked == []
    with page.expect_request(RUNS):
        page.evaluate(hide, False)


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_hints_and_skeletons_have_enough_contrast(page: Page, monitor_url: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.route(RUNS, lambda route: None)
    page.goto(monitor_url)
    skeleton = page.locator("#rows.skeleton td span").first
    expect(skeleton).to_be_visible()
    hint, ground = page.get_by_role("searchbox").evaluate(
        "node => [getComputedStyle(node, '::placeholder').color, getComputedStyle(node).backgroundColor]"
    )
    assert contrast(hint, ground) >= 4.5
    bone, surface = skeleton.evaluate(
        "node => [node, node.closest('table')].map(part => getComputedStyle(part).backgroundColor)"
    )
    assert contrast(bone, surface) > 1.35


def test_a_run_that_needs_attention_is_marked_and_says_what_to_do(page: Page, monitor_url: str) -> None:
    """It looks neither like a failure nor like a problem that passes by itself."""
    attention = {
        "code": "run_not_checked",
        "message": "The job was last checked long ago.",
        "advice": "Restart the app.",
        "since": "2026-01-31T12:00:00.000Z",
    }
    problem = {"code": "throttled", "message": "Slow down.", "advice": "Wait.", "since": attention["since"]}
    serve(
        page,
        [
            fake_run("stuck", "Running", needs_attention=attention, problem=problem),
            fake_run("going-on", "Running", problem=problem),
        ],
    )
    page.goto(f"{monitor_url}#/runs/stuck")
    mark = page.locator("tr[data-run=stuck] .sub.attention")
    expect(mark).to_have_text("run_not_checked")
    expect(mark).to_have_attribute("title", attention["message"])
    box = page.locator(".trouble.attention")
    expect(box).to_contain_text("The run needs attention")
    expect(box).to_contain_text(attention["message"])
    expect(box).to_contain_text("What to do: Restart the app.")
    expect(page.locator(".trouble.passing")).to_contain_text("Slow down.")
    expect(page.locator(".trouble.passing time")).to_have_attribute("datetime", attention["since"])
    expect(page.locator("tr[data-run=going-on] .sub.attention")).to_have_count(0)
    page.get_by_role("searchbox").fill("not_checked")
    expect(page.locator("#rows td.run a")).to_have_text(["stuck"])
