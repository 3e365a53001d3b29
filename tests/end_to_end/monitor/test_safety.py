"""What the page must not do: execute data as script, or disclose a key."""

import re
from urllib.parse import quote

import pytest
import requests
from playwright.sync_api import BrowserContext, Error, Page, Request, expect

from tests.end_to_end.harness import App
from tests.end_to_end.monitor.fake_api import fake_run, serve
from triggers.monitor import PAGE, SCRIPTS, STYLES

MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><b>"
KEY = "s3cr3t-function-key=="


def test_the_policy_allows_only_the_pages_own_parts(app: App) -> None:
    answers = [requests.get(f"{app.url}/api/monitor", timeout=60) for _ in range(2)]
    policies = [answer.headers["Content-Security-Policy"] for answer in answers]
    nonces = [re.findall(r"'nonce-([\w-]+)'", policy) for policy in policies]

    assert "default-src 'none'" in policies[0]
    assert "unsafe" not in policies[0] and "*" not in policies[0]
    assert len(set(nonces[0])) == 1 and not set(nonces[0]) & set(nonces[1])
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert answers[0].headers["Referrer-Policy"] == "same-origin"
    body = answers[0].text
    assert "{{" not in body
    assert not re.search(r"\son\w+=|style=|(?:src|href)=[\"']?http", body)


def test_every_file_of_the_page_is_part_of_it() -> None:
    assert {*STYLES, *SCRIPTS, "index.html"} == {path.name for path in PAGE.iterdir()}


def test_hostile_values_are_shown_as_text(page: Page, monitor_url: str) -> None:
    reason = {"code": MARKUP, "message": MARKUP, "step": MARKUP}
    trouble = {"code": MARKUP, "message": MARKUP, "advice": MARKUP, "reason": reason}
    hostile = fake_run(
        MARKUP,
        "Failed",
        endpoint_uri=f"https://{MARKUP}/jobs",
        job={"name": MARKUP, "status": MARKUP, "studio_url": "javascript:alert(3)"},
        error=trouble,
        problem=trouble,
        request={
            "inputs": {MARKUP: {"type": MARKUP, "uri": MARKUP}},
            "deployment": MARKUP,
            "experiment": MARKUP,
            "timeout": 60,
            "on_timeout": MARKUP,
            "poll_interval": 1,
        },
        outputs={MARKUP: MARKUP},
        identity={"client_id": MARKUP},
        source={
            "container": MARKUP,
            "folder": MARKUP,
            "count": 2,
            "first_event_at": MARKUP,
            "last_event_at": MARKUP,
            "names": [MARKUP],
        },
    )
    strange = fake_run("strange", MARKUP, started_at=MARKUP, ended_at=MARKUP, checks=MARKUP)
    serve(page, [hostile, strange])
    page.goto(monitor_url)

    page.locator("#rows").get_by_role("link", name=MARKUP).click()
    panel = page.get_by_role("complementary")
    expect(panel.get_by_role("heading", name=MARKUP)).to_be_visible()
    expect(panel).to_contain_text("What to do")
    assert page.locator("main img, aside img, main script, aside script, main b, aside b").count() == 0
    assert panel.get_by_role("link").count() == 0
    expect(page.locator("#rows").get_by_role("link", name="strange")).to_be_visible()


def test_a_key_in_the_address_is_removed_and_sent_in_a_header(
    page: Page, context: BrowserContext, monitor_url: str
) -> None:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    serve(page, [fake_run("one", "Running")])
    page.goto(f"{monitor_url}?code={quote(KEY, safe='')}")
    page.get_by_role("link", name="one").click()
    expect(page.get_by_role("heading", name="one")).to_be_visible()

    assert page.url == f"{monitor_url}#/runs/one"
    of_api = [request for request in asked if "/batch-runs" in request.url]
    assert of_api and all(request.headers["x-functions-key"] == KEY for request in of_api)
    assert not [request.url for request in asked[1:] if "s3cr3t" in request.url]
    assert "s3cr3t" not in page.content()
    assert context.cookies() == []
    assert page.evaluate("localStorage.length") == 0


def test_a_cancel_names_the_page_that_sends_it_and_no_key(page: Page, monitor_url: str) -> None:
    """A login in front of the app refuses a POST of a browser that does not say where it comes from."""
    serve(page, [fake_run("one", "Running")])
    page.goto(f"{monitor_url}?code={quote(KEY, safe='')}#/runs/one")
    page.get_by_role("button", name="Cancel…").click()
    with page.expect_request("**/batch-runs/one/cancel") as sent:
        page.get_by_role("button", name="Cancel the job").click()
    headers = sent.value.all_headers()
    assert (headers["origin"], headers["referer"]) == (monitor_url.removesuffix("/api/monitor"), monitor_url)


@pytest.mark.parametrize(
    "attempt",
    [
        "document.body.innerHTML = '<img src=x onerror=\"window.broken = true\">'",
        "document.body.setAttribute('onclick', 'window.broken = true'); document.body.click()",
        "const s = document.createElement('script'); s.textContent = 'window.broken = true'; document.body.append(s)",
    ],
)
def test_the_policy_blocks_markup_and_script_that_were_inserted(
    context: BrowserContext, monitor_url: str, attempt: str
) -> None:
    page = context.new_page()
    page.goto(monitor_url)
    with pytest.raises(Error, match=r"TrustedScript|TrustedHTML"):
        page.evaluate(f"() => {{ {attempt} }}")
    assert page.evaluate("window.broken") is None
