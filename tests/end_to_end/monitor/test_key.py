"""Access with a function key: anybody may load the page, but the data needs a key."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import requests
from azure.functions import AuthLevel
from playwright.sync_api import Page, Request, Route, expect

from tests.end_to_end.harness import App
from tests.end_to_end.monitor.fake_api import RUNS, answer, fake_run

KEY = "s3cr3t-function-key=="


def requests_from_now_on(page: Page) -> list[Request]:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    return asked


@pytest.fixture
def guarded(page: Page, monitor_url: str) -> Page:
    def guard(route: Route) -> None:
        if route.request.headers.get("x-functions-key") == KEY:
            answer(route, {"runs": [fake_run("behind-the-key")], "continuation": None})
        else:
            route.fulfill(status=401)

    page.route(RUNS, guard)
    page.goto(monitor_url)
    return page


def test_only_the_page_itself_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", "sqlite:ledger.db")
    from function_app import app as functions

    levels = {
        function.get_function_name(): trigger["authLevel"]
        for function in functions.get_functions()
        if (trigger := function.get_trigger().get_dict_repr())["type"] == "httpTrigger"
    }
    assert {name for name, level in levels.items() if level is AuthLevel.ANONYMOUS} == {"get_monitor"}
    assert len(levels) > 4


def test_the_page_itself_contains_no_data(app: App) -> None:
    run_id = app.start()
    page = requests.get(f"{app.url}/api/monitor", timeout=60).text
    view = app.wait_for_end(run_id)
    assert not [word for word in (run_id, view["job"]["name"], view["endpoint_uri"]) if word in page]


def test_without_a_key_the_page_asks_for_one_and_uses_it(
    guarded: Page, monitor_url: str, snap: Callable[[str], Any]
) -> None:
    expect(guarded.get_by_role("heading", name="A key is needed")).to_be_visible()
    snap("key-needed")
    guarded.get_by_label("Function key").fill(f" {KEY}\t")
    guarded.keyboard.press("Enter")
    expect(guarded.get_by_role("link", name="behind-the-key")).to_be_visible()
    expect(guarded.locator("#key-form")).to_be_hidden()
    assert guarded.url == monitor_url


@pytest.mark.parametrize("wrong", ["wrong", "gehört-nicht-dazu", "\N{EURO SIGN}"])
def test_after_a_wrong_key_another_can_be_typed_at_once(guarded: Page, wrong: str) -> None:
    field = guarded.get_by_label("Function key")
    field.fill(wrong)
    guarded.keyboard.press("Enter")
    expect(guarded.get_by_role("heading", name="This key was refused")).to_be_visible()
    expect(field).to_be_focused()
    guarded.keyboard.type(KEY)
    guarded.keyboard.press("Enter")
    expect(guarded.get_by_role("link", name="behind-the-key")).to_be_visible()


def test_a_refused_key_is_not_sent_again(page: Page, monitor_url: str) -> None:
    page.route(RUNS, lambda route: route.fulfill(status=401))
    page.clock.install()
    page.goto(monitor_url)
    expect(page.get_by_role("heading", name="A key is needed")).to_be_visible()
    asked = requests_from_now_on(page)
    page.clock.run_for(300_000)
    assert asked == []


def test_a_reload_keeps_the_key_in_the_tab_and_no_address_contains_it(
    guarded: Page, monitor_url: str
) -> None:
    guarded.get_by_label("Function key").fill(KEY)
    guarded.keyboard.press("Enter")
    guarded.get_by_role("link", name="behind-the-key").click()
    asked = requests_from_now_on(guarded)
    guarded.reload()
    expect(guarded.get_by_role("heading", name="behind-the-key")).to_be_visible()
    assert guarded.url == f"{monitor_url}#/runs/behind-the-key"
    assert asked and not [request.url for request in asked if quote(KEY, safe="") in request.url]
    assert guarded.evaluate("localStorage.length") == 0


def test_an_old_link_with_a_key_can_be_reloaded_too(guarded: Page, monitor_url: str) -> None:
    guarded.goto(f"{monitor_url}?phase=Completed&code={quote(KEY, safe='')}")
    expect(guarded.get_by_role("link", name="behind-the-key")).to_be_visible()
    assert guarded.url == f"{monitor_url}?phase=Completed"
    guarded.reload()
    expect(guarded.get_by_role("link", name="behind-the-key")).to_be_visible()
