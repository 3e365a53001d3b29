"""A real browser on the page that the real host serves."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from local.host_process import ROOT
from tests.end_to_end.harness import App
from tests.waiting import wait_for

SCREENSHOTS = ROOT / ".local" / "screenshots"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=15_000)


# For one file at a time: while it runs, its event loop is in the way of asynchronous tests elsewhere.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium is not None, "without it the project's conftest.py lets no test come here"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="Europe/Berlin"
    )
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Fails the test if the page had errors of its own, such as a breach of its content security policy."""
    page = context.new_page()
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # The browser also tells of each answer that is an error, and those are the test's doing.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            complaints.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    yield page
    assert complaints == []


@pytest.fixture
def monitor_url(app: App) -> str:
    return f"{app.url}/api/monitor"


@pytest.fixture
def look_again(page: Page) -> Callable[[], None]:
    """The page's next look at the app is due at once, not in some seconds, and comes to its end."""
    page.clock.install()

    def at_rest() -> None:
        # The page's policy forbids the eval of wait_for_function.
        wait_for("the end of a look", lambda: page.evaluate("live.updatedAt > 0 && !live.busy"))

    def look() -> None:
        at_rest()
        page.clock.fast_forward(60_000)
        at_rest()

    return look


@pytest.fixture
def snap(page: Page) -> Callable[[str], Any]:
    """Keeps a picture for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def take(name: str) -> Path:
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path)
        return path

    return take
