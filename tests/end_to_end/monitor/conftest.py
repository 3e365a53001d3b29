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


# One browser for each file: while it runs, its event loop prevents asynchronous tests in other files.
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
    """Fails the test if the page had errors of its own, such as a violation of its content security policy."""
    page = context.new_page()
    errors: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        # The browser also reports each HTTP error, and those are caused by the test.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            errors.append(message.text)

    page.on("console", on_console)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
    yield page
    assert errors == []


@pytest.fixture
def monitor_url(app: App) -> str:
    return f"{app.url}/api/monitor"


@pytest.fixture
def update_page(page: Page) -> Callable[[], None]:
    """Makes the next update of the page due at once, and waits until it has ended."""
    page.clock.install()

    def wait_for_end_of_update() -> None:
        # The page's policy forbids the eval of wait_for_function.
        wait_for("the end of an update", lambda: page.evaluate("live.updatedAt > 0 && !live.busy"))

    def update() -> None:
        wait_for_end_of_update()
        page.clock.fast_forward(60_000)
        wait_for_end_of_update()

    return update


@pytest.fixture
def snap(page: Page) -> Callable[[str], Any]:
    """Saves a screenshot for people."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def take(name: str) -> Path:
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path)
        return path

    return take
