"""Finding a run: phases, text, time, order; and what its row shows."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.end_to_end.monitor.fake_api import fake_run, serve


@pytest.fixture
def few(page: Page, monitor_url: str) -> Page:
    serve(
        page,
        [
            fake_run("alpha", "Running", minutes_ago=5),
            fake_run("beta", "Completed", minutes_ago=30),
            fake_run(
                "gamma",
                "Failed",
                minutes_ago=600,
                error={"code": "access_denied", "message": "Denied by policy 17", "advice": "Ask."},
            ),
            fake_run("delta", "Completed", minutes_ago=5_000),
        ],
    )
    page.goto(monitor_url)
    return page


def ids(page: Page) -> Locator:
    return page.locator("#rows td.run a")


def test_all_runs_are_listed_the_newest_first(few: Page) -> None:
    expect(ids(few)).to_have_text(["alpha", "beta", "gamma", "delta"])
    expect(few.locator("#range")).to_have_text("1\N{EN DASH}4 of 4")


def test_phases_can_be_chosen_together(few: Page) -> None:
    few.get_by_role("button", name="Failed 1").click()
    expect(ids(few)).to_have_text(["gamma"])
    few.get_by_role("button", name="Running 1").click()
    expect(ids(few)).to_have_text(["alpha", "gamma"])
    expect(few.get_by_role("button", name="Failed 1")).to_have_attribute("aria-pressed", "true")
    few.get_by_role("button", name="All 4").click()
    expect(ids(few)).to_have_count(4)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ALPHA", ["alpha"]),
        ("batchjob-be", ["beta"]),
        ("policy denied", ["gamma"]),
        ("energy", 4),
        ("x17", 0),
    ],
)
def test_text_finds_runs_jobs_endpoints_and_errors(few: Page, text: str, found: list[str] | int) -> None:
    few.get_by_role("searchbox").fill(text)
    if isinstance(found, int):
        expect(ids(few)).to_have_count(found)
    else:
        expect(ids(few)).to_have_text(found)


def test_text_finds_tags_and_the_open_run_shows_them(page: Page, monitor_url: str) -> None:
    tags = {"team": "fraud", "note": "<b>x</b>"}
    request = {"inputs": {}, "outputs": {}, "overrides": {"mini_batch_size": 20}, "tags": tags}
    serve(page, [fake_run("one", "Running", tags=tags, request=request), fake_run("two", "Running")])
    page.goto(monitor_url)
    page.get_by_role("searchbox").fill("team:fraud")
    expect(ids(page)).to_have_text(["one"])
    page.get_by_role("link", name="one").click()
    expect(page.locator("#detail-body")).to_contain_text("team:fraud, note:<b>x</b>")
    expect(page.locator("#detail-body")).to_contain_text("mini_batch_size 20")


def test_nothing_found_offers_to_clear_the_filters(few: Page) -> None:
    few.get_by_role("searchbox").fill("nothing like this")
    few.get_by_role("button", name="Clear the filters").click()
    expect(ids(few)).to_have_count(4)


def test_the_start_time_filters_the_list(few: Page) -> None:
    few.get_by_label("Started").select_option("Last hour")
    expect(ids(few)).to_have_text(["alpha", "beta"])
    few.get_by_label("Started").select_option("Last 24 hours")
    expect(ids(few)).to_have_count(3)
    few.get_by_label("Started").select_option("Between…")
    few.get_by_label("To", exact=True).fill("2020-01-01T00:00")
    expect(ids(few)).to_have_count(0)
    few.get_by_label("To", exact=True).fill("2090-01-01T00:00")
    expect(ids(few)).to_have_count(4)


def test_columns_sort_both_ways(few: Page) -> None:
    head = few.get_by_role("columnheader", name="Run")
    head.get_by_role("button").click()
    expect(ids(few)).to_have_text(["alpha", "beta", "delta", "gamma"])
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").click()
    expect(ids(few)).to_have_text(["gamma", "delta", "beta", "alpha"])


def source(folder: str, count: int) -> dict[str, Any]:
    return {
        "container": "incoming",
        "folder": folder,
        "count": count,
        "first_event_at": "2026-01-31T12:00:00Z",
        "last_event_at": "2026-01-31T12:00:00Z",
        "names": ["a.csv"],
    }


def test_a_run_started_by_data_has_its_data_as_the_title(page: Page, monitor_url: str) -> None:
    many, single = "folder-7311d8a3c2b94d0e8f55aa0c1d2e3f40", "folder-7311d8a3c2b94d0e8f55aa0c1d2eaaaa"
    serve(
        page,
        [
            fake_run(many, minutes_ago=1, source=source("region=west", 12)),
            fake_run(single, minutes_ago=2, source=source("region=east", 1)),
        ],
    )
    page.goto(monitor_url)
    expect(ids(page)).to_have_text(["incoming/region=west · 12 files", "incoming/region=east · 1 file"])
    below = page.locator("#rows td.run .sub").first
    expect(below).to_have_text("folder-7311d8…2e3f40")
    expect(below).to_have_attribute("title", many)

    page.get_by_role("searchbox").fill("incoming/region=west")
    expect(ids(page)).to_have_count(1)
    ids(page).first.click()
    panel = page.get_by_role("complementary")
    expect(panel.get_by_role("heading", name="incoming/region=west · 12 files")).to_be_visible()
    expect(panel.locator("header")).to_contain_text(many)


@pytest.mark.parametrize(("folder_count", "files"), [(6, "1 new of 6 files"), (1, "1 new of 1 file")])
def test_a_run_over_a_folder_again_says_so(
    page: Page, monitor_url: str, folder_count: int, files: str
) -> None:
    again = {**source("monday", 1), "folder_count": folder_count}
    serve(page, [fake_run("again", minutes_ago=1, source=again)])
    page.goto(monitor_url)
    expect(ids(page)).to_have_text([f"incoming/monday · {files}"])

    ids(page).first.click()
    panel = page.get_by_role("complementary")
    expect(panel.locator("dd", has_text=files)).to_be_visible()
    expect(panel.locator("dt:text-is('Scores') + dd")).to_have_text("the whole folder again")


def test_the_first_run_over_a_folder_scores_nothing_again(page: Page, monitor_url: str) -> None:
    serve(page, [fake_run("first", minutes_ago=1, source=source("monday", 6))])
    page.goto(monitor_url)
    ids(page).first.click()
    panel = page.get_by_role("complementary")
    expect(panel.locator("dt:text-is('Files') + dd")).to_have_text("6 files")
    expect(panel.locator("dt:text-is('Scores')")).to_have_count(0)


def test_problems_and_errors_are_shown_in_the_list(page: Page, monitor_url: str) -> None:
    trouble = {"message": "The reason.", "advice": "Wait."}
    serve(
        page,
        [
            fake_run("failed", "Failed", minutes_ago=1, error={"code": "access_denied", **trouble}),
            fake_run("going-on", "Running", minutes_ago=2, problem={"code": "throttled", **trouble}),
            fake_run("fine", minutes_ago=3),
        ],
    )
    page.goto(monitor_url)
    codes = page.locator("#rows td.state-of .sub")
    expect(codes).to_have_text(["access_denied", "throttled"])
    expect(codes.first).to_have_attribute("title", "The reason.")
    colours = codes.evaluate_all("nodes => nodes.map(node => getComputedStyle(node).color)")
    assert colours == ["rgb(179, 38, 30)", "rgb(138, 83, 0)"]


def test_the_reason_of_a_failed_job_is_in_its_row_and_a_long_one_pushes_nothing_away(
    page: Page, monitor_url: str
) -> None:
    reason = {"code": "UserError", "message": " ".join(["The input does not exist."] * 19), "step": "scoring"}
    error = {"code": "job_failed", "message": "Failed.", "advice": "Look.", "reason": reason}
    serve(page, [fake_run("failed", "Failed", error=error), fake_run("fine", minutes_ago=70)])
    page.goto(monitor_url)
    expect(page.locator("#rows td.state-of .sub")).to_have_text(reason["message"])
    for width in (1440, 1000):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    page.set_viewport_size({"width": 1440, "height": 900})
    ids(page).first.click()
    panel, last = page.get_by_role("complementary"), page.locator("#rows tr:first-child td.took")
    expect(panel).to_be_visible()
    expect(last).to_be_visible()
    left, cell = panel.bounding_box(), last.bounding_box()
    assert left and cell and cell["x"] + cell["width"] <= left["x"]


def test_a_transient_problem_does_not_look_like_a_failure(page: Page, monitor_url: str) -> None:
    trouble = {"code": "throttled", "message": "Slow down.", "advice": "Wait."}
    serve(
        page,
        [fake_run("failed", "Failed", error=trouble), fake_run("going-on", "Running", problem=trouble)],
    )
    page.goto(f"{monitor_url}#/runs/failed")
    look = (
        "node => [node, node.querySelector('h3')].map(part => JSON.stringify([getComputedStyle(part).color,"
    )
    look += " getComputedStyle(part).backgroundColor, getComputedStyle(part, '::before').clipPath]))"
    expect(page.locator(".trouble")).to_contain_text("Why the run did not complete")
    failure = page.locator(".trouble").evaluate(look)
    page.locator("#rows").get_by_role("link", name="going-on").click()
    expect(page.locator(".trouble")).to_contain_text("the run goes on")
    problem = page.locator(".trouble").evaluate(look)
    assert problem[0] != failure[0] and problem[1] != failure[1]


def test_a_check_that_is_due_is_shown_as_running(page: Page, monitor_url: str) -> None:
    serve(page, [fake_run("one", "Running", next_check_at="2020-01-01T00:00:00Z")])
    page.goto(monitor_url)
    expect(page.locator("#rows .checks .sub")).to_have_text("checking now")


@pytest.mark.parametrize("width", [1440, 1100])
def test_the_table_fits_beside_an_open_run(page: Page, monitor_url: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    serve(page, [fake_run("a-run-with-quite-a-long-name-0001", "Running")])
    page.goto(monitor_url)
    expect(ids(page)).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("#rows .endpoint .cut")).to_have_css("white-space", "nowrap")
    ids(page).first.click()
    for column in ("Endpoint", "Checks"):
        expect(page.get_by_role("columnheader", name=column)).to_be_hidden()
    lines = ids(page).evaluate_all("nodes => nodes.map(node => node.getClientRects().length)")
    assert lines <= [2]


def test_the_head_of_an_open_run_stays_visible_while_it_scrolls(page: Page, monitor_url: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 400})
    serve(page, [fake_run("one", "Running")])
    page.goto(f"{monitor_url}#/runs/one")
    expect(page.locator(".steps")).to_be_visible()
    covered = page.evaluate(
        """() => { const panel = document.getElementById('detail'), head = panel.querySelector('header');
        const step = panel.querySelector('.steps li');
        panel.scrollTop += step.getBoundingClientRect().top - head.getBoundingClientRect().top - 10;
        const box = step.getBoundingClientRect();
        return head.contains(document.elementFromPoint(box.x + 8, box.y + 10)); }"""
    )
    assert covered


def test_the_type_of_an_input_is_shown_at_its_name(page: Page, monitor_url: str) -> None:
    request = {
        "inputs": {"readings": {"type": "UriFolder", "uri": "azureml://datastores/d/paths/p/"}},
        "outputs": {"scores": {"type": "UriFile", "uri": "azureml://x"}},
    }
    serve(page, [fake_run("one", request=request, outputs={"scores": "azureml://x"})])
    page.goto(f"{monitor_url}#/runs/one")
    panel = page.get_by_role("complementary")
    expect(panel.locator("dt", has_text="readings")).to_contain_text("UriFolder")
    expect(panel.locator("dt", has_text="scores")).to_contain_text("UriFile")
    expect(panel.locator("dd", has_text="paths/p/")).to_have_text("azureml://datastores/d/paths/p/")


def test_the_version_that_was_scored_and_the_places_of_outputs_are_shown(
    page: Page, monitor_url: str
) -> None:
    request = {"inputs": {"readings": {"type": "UriFolder", "uri": "azureml:heart@latest"}}, "outputs": {}}
    storage, portal = "https://lake.blob.core.windows.net/c/x.csv", "https://portal.azure.com/#view/x"
    asset = "/subscriptions/s/data/heart/versions/7"
    one = fake_run(
        "one",
        request=request,
        outputs={"scores": "azureml://x"},
        resolved_inputs={"readings": asset},
        output_links={"scores": {"storage_url": storage, "portal_url": portal}},
    )
    hostile = {"scores": {"storage_url": "javascript:alert(1)", "portal_url": "http://x.example"}}
    serve(
        page, [one, fake_run("two", request=request, outputs={"scores": "azureml://x"}, output_links=hostile)]
    )
    page.goto(f"{monitor_url}#/runs/one")
    panel = page.get_by_role("complementary")
    expect(panel).to_contain_text(asset)
    expect(panel.get_by_role("link", name="Address in storage")).to_have_attribute("href", storage)
    expect(panel.get_by_role("link", name="Open in the Azure portal")).to_have_attribute("href", portal)
    page.goto(f"{monitor_url}#/runs/two")
    expect(panel).to_contain_text("azureml://x")
    expect(panel.get_by_role("link", name="Address in storage")).to_have_count(0)
    expect(panel.get_by_role("link", name="Open in the Azure portal")).to_have_count(0)
