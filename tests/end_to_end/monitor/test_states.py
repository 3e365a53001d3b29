"""What the page shows when there is nothing to show, and when something is in the way."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.end_to_end.monitor.recorded import RUNS, answer, made_up_run, serve
from tests.waiting import wait_for


def test_without_runs_it_says_how_to_start_one(
    page: Page, monitor_url: str, snap: Callable[[str], Any]
) -> None:
    serve(page, [])
    page.goto(monitor_url)
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    expect(page.get_by_text("/api/batch-runs")).to_be_visible()
    snap("empty")


def test_while_it_loads_it_says_so(page: Page, monitor_url: str, snap: Callable[[str], Any]) -> None:
    waiting: list[Route] = []
    page.route(RUNS, lambda route: waiting.append(route))
    page.goto(monitor_url)
    wait_for("the page's question", lambda: page.evaluate("true") and waiting)
    expect(page.locator("#live-text")).to_have_text("Loading")
    expect(page.locator("#rows.skeleton tr").first).to_be_visible()
    snap("loading")
    answer(waiting[0], {"runs": [], "continuation": None})
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()


def test_an_app_that_does_not_answer_can_be_tried_again(
    page: Page, monitor_url: str, snap: Callable[[str], Any]
) -> None:
    page.route(RUNS, lambda route: route.fulfill(status=500))
    page.goto(monitor_url)
    expect(page.get_by_role("heading", name="The runs cannot be read")).to_be_visible()
    expect(page.locator("#state-text")).to_contain_text("The app answered 500.")
    snap("error")
    page.unroute(RUNS)
    serve(page, [made_up_run("back")])
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("link", name="back")).to_be_visible()
    expect(page.locator("#live-text")).to_have_text("Live")


def test_a_lost_connection_leaves_the_runs_on_screen_and_comes_back_by_itself(
    page: Page, monitor_url: str, snap: Callable[[str], Any], look_again: Callable[[], None]
) -> None:
    serve(page, [made_up_run("one", "Running")])
    page.goto(monitor_url)
    expect(page.get_by_role("link", name="one")).to_be_visible()
    page.unroute(RUNS)
    page.route(RUNS, lambda route: route.abort())
    look_again()
    expect(page.get_by_role("alert").filter(has_text="The app does not answer.")).to_be_visible()
    expect(page.get_by_role("link", name="one")).to_be_visible()
    snap("connection-lost")
    page.unroute(RUNS)
    serve(page, [made_up_run("one", "Completed")])
    look_again()
    expect(page.locator("#rows")).to_contain_text("Completed")
    expect(page.locator("#banner")).to_be_hidden()


def test_a_refused_page_asks_for_a_key_and_uses_it(
    page: Page, monitor_url: str, snap: Callable[[str], Any]
) -> None:
    def guard(route: Route) -> None:
        if route.request.headers.get("x-functions-key") == "good":
            answer(route, {"runs": [made_up_run("behind-the-key")], "continuation": None})
        else:
            route.fulfill(status=401)

    page.route(RUNS, guard)
    page.goto(monitor_url)
    expect(page.get_by_role("heading", name="A key is needed")).to_be_visible()
    snap("key-needed")
    page.get_by_label("Function key").fill("good")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="behind-the-key")).to_be_visible()
    assert "good" not in page.url


def test_a_login_that_has_run_out_is_told(
    page: Page, monitor_url: str, look_again: Callable[[], None]
) -> None:
    serve(page, [made_up_run("one", "Running")])
    page.goto(monitor_url)
    expect(page.get_by_role("link", name="one")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.unroute(RUNS)
    page.route(RUNS, lambda route: route.fulfill(status=302, headers={"Location": "https://login.example/"}))
    look_again()
    expect(page.get_by_role("alert").filter(has_text="refuses this page's key or login")).to_be_visible()
    assert not [url for url in asked if "login.example" in url]


def test_a_run_that_is_not_there_says_so(page: Page, monitor_url: str) -> None:
    serve(page, [made_up_run("one")])
    page.goto(f"{monitor_url}#/runs/gone")
    expect(page.get_by_text("There is no such run.")).to_be_visible()


def test_a_hidden_tab_asks_for_nothing_and_catches_up_when_seen(page: Page, monitor_url: str) -> None:
    asked: list[str] = []
    serve(page, [made_up_run("one", "Running")], lambda route: asked.append(route.request.url))
    page.goto(monitor_url)
    expect(page.locator("#live-text")).to_have_text("Live")

    hide = """hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
        document.dispatchEvent(new Event('visibilitychange')); }"""
    page.clock.install()
    page.evaluate(hide, True)
    page.clock.run_for(1_000)
    wait_for("the end of the look under way", lambda: page.evaluate("!live.busy"))
    asked.clear()
    page.clock.run_for(600_000)
    assert asked == []
    with page.expect_request(RUNS):
        page.evaluate(hide, False)
