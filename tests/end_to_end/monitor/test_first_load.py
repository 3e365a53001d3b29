"""Many runs: the first ones are shown at once, the others are loaded afterwards."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from batch.api.run_view import RunView
from batch.run.phases import PHASES
from tests.end_to_end.harness import wait_for
from tests.end_to_end.monitor.fake_api import RUNS, fake_run, serve, until
from tests.end_to_end.monitor.test_list import ids


@pytest.fixture(scope="module")
def thousands() -> list[RunView]:
    phases = [phase for phase in PHASES if phase != "Pending"]
    return [
        fake_run(f"run-{number:04d}", phases[number % len(phases)], minutes_ago=number)
        for number in range(5_000)
    ]


def test_the_page_is_fast_with_five_thousand_runs(
    page: Page, monitor_url: str, thousands: list[RunView], snap: Callable[[str], Any]
) -> None:
    serve(page, thousands)
    page.goto(monitor_url)
    expect(page.get_by_role("button", name="All 5,000")).to_be_visible()
    expect(page.locator("#live-text")).to_have_text("Live")
    assert ids(page).count() == 50
    snap("five-thousand")

    page.get_by_role("button", name="Next").click()
    expect(page.locator("#range")).to_have_text("51\N{EN DASH}100 of 5,000")
    expect(ids(page).first).to_have_text("run-0050")
    page.get_by_role("searchbox").fill("run-49")
    expect(page.locator("#range")).to_have_text("1\N{EN DASH}50 of 100")
    milliseconds = page.evaluate(
        "() => { const began = performance.now(); draw(); document.body.offsetHeight;"
        " return performance.now() - began; }"
    )
    assert milliseconds < 500


def held_after_the_first_page(page: Page, runs: list[RunView]) -> list[Route]:
    held: list[Route] = []
    serve(page, runs)
    # The page gives up a request after 30 s, in real time: a held one waits for the test.
    page.add_init_script("AbortSignal.timeout = () => new AbortController().signal;")

    def hold(route: Route) -> None:
        if "continuation=200" in route.request.url and "phase=" not in route.request.url:
            held.append(route)
        else:
            route.fallback()

    page.route(RUNS, hold)
    return held


def test_the_first_page_is_live_while_the_others_are_loading(page: Page, monitor_url: str) -> None:
    runs = [fake_run(f"run-{number:04}", minutes_ago=number) for number in range(450)]
    runs[3] = fake_run("run-0003", "Running", minutes_ago=3)
    held = held_after_the_first_page(page, runs)
    page.clock.install()
    page.goto(monitor_url)
    expect(page.locator("#live-text")).to_have_text("Live")
    expect(ids(page)).to_have_count(50)
    expect(page.locator("#range")).to_have_text("1\N{EN DASH}50 of 200 so far")
    wait_for("request for the second page", lambda: page.evaluate("live.filling") and held)

    runs[3].update(fake_run("run-0003", "Completed", minutes_ago=3))

    def has_ended() -> bool:
        # The pause between two updates is long where the last one took long, as on a busy machine.
        page.clock.run_for(5_000)
        return "Completed" in page.locator("tr[data-run=run-0003]").inner_text()

    wait_for("end of the run on the page", has_ended)
    page.get_by_role("searchbox").fill("run-0444")
    expect(page.get_by_role("heading", name="No run matches so far")).to_be_visible()
    held[0].fallback()
    expect(ids(page)).to_have_text(["run-0444"])
    page.get_by_role("searchbox").fill("")
    expect(page.locator("#range")).to_have_text("1\N{EN DASH}50 of 450")


def test_a_run_that_started_and_ended_meanwhile_is_found(page: Page, monitor_url: str) -> None:
    runs = [fake_run(f"run-{number:04}", minutes_ago=number + 10) for number in range(250)]
    runs[240] = fake_run("started-after-that", minutes_ago=-30)
    held = held_after_the_first_page(page, runs)
    page.goto(monitor_url)
    wait_for("request for the second page", lambda: page.evaluate("live.filling") and held)
    runs.insert(0, fake_run("quick", minutes_ago=-5))
    held[0].fallback()
    expect(page.get_by_role("link", name="quick")).to_be_visible()


def test_pages_that_could_not_be_loaded_are_requested_again(page: Page, monitor_url: str) -> None:
    runs = [fake_run(f"run-{number:04}", minutes_ago=number) for number in range(250)]
    held = held_after_the_first_page(page, runs)
    page.clock.install()
    page.goto(monitor_url)
    wait_for("request for the second page", lambda: page.evaluate("live.filling") and held)
    page.clock.run_for(1_000)
    held[0].fulfill(status=503)
    expect(page.locator("#range")).to_have_text("1\N{EN DASH}50 of 200 so far")
    until(page, "!live.filling")

    def asked_again() -> bool:
        page.clock.run_for(5_000)
        return len(held) > 1

    wait_for("second request for the second page", asked_again)
    held[1].fallback()
    expect(page.locator("#range")).to_have_text("1\N{EN DASH}50 of 250")
