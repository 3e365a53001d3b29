"""HTTP triggers of a real host: routes, what the function receives, what the caller receives."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from requests import Response

APP = "http"
BASE = "/svc/v1"


def test_the_function_sees_the_request(host: Any) -> None:
    answer = host.call(
        "POST",
        f"{BASE}/mirror?a=1&empty=&list=x&list=y&text=%C3%A9%20%2F",
        data=b"\x00\xffbody",
        headers={"X-Custom-Header": "Value", "Content-Type": "application/octet-stream"},
    )
    seen = answer.json()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert seen["method"] == "POST"
    assert seen["url"] == f"{host.url}{BASE}/mirror?a=1&empty=&list=x&list=y&text=%C3%A9%20%2F"
    assert seen["headers"]["x-custom-header"] == "Value"
    assert all(name == name.lower() for name in seen["headers"])
    assert seen["query"] == {"a": "1", "list": "x,y", "text": "é /"}
    assert seen["body"] == "\x00ÿbody"


@pytest.mark.parametrize(
    ("path", "function", "route"),
    [
        ("mirror", "mirror", {}),
        ("MIRROR", "mirror", {}),
        ("things/7", "thing_by_number", {"id": "7"}),
        ("things/seven", "thing_by_name", {"name": "seven"}),
        ("things/newest", "newest_thing", {}),
        ("things/a%20b%C3%A9", "thing_by_name", {"name": "a bé"}),
        ("optional", "optional", {}),
        ("optional/1", "optional", {"id": "1"}),
        ("files", "files", {}),
        ("files/a/b.txt", "files", {"path": "a/b.txt"}),
    ],
)
def test_routes(host: Any, path: str, function: str, route: dict[str, str]) -> None:
    seen = host.call("GET", f"{BASE}/{path}").json()
    assert (seen["by"], seen["route"]) == (function, route)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{BASE}/unknown", 404),
        ("GET", "/api/mirror", 404),
        ("GET", "/mirror", 404),
        ("PUT", f"{BASE}/mirror", 404),
        ("POST", f"{BASE}/things/7", 404),
        ("DELETE", f"{BASE}/things/7", 204),
        ("HEAD", f"{BASE}/things/7", 200),
        ("GET", f"{BASE}/things/7/parts", 404),
        ("PATCH", f"{BASE}/everything", 200),
        ("OPTIONS", f"{BASE}/everything", 200),
    ],
)
def test_methods_and_unknown_routes(host: Any, method: str, path: str, status: int) -> None:
    answer: Response = host.call(method, path)
    assert answer.status_code == status
    if status != 200:
        assert answer.content == b""


def test_a_returned_string_is_text(host: Any) -> None:
    answer = host.call("GET", f"{BASE}/text")
    assert (answer.status_code, answer.text) == (200, "just text: é")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_binary_bodies_and_status(host: Any) -> None:
    answer = host.call("GET", f"{BASE}/binary")
    assert (answer.status_code, answer.content) == (201, bytes(range(256)))
    assert answer.headers["Content-Type"] == "application/octet-stream"


def test_headers_and_cookies(host: Any) -> None:
    answer = host.call("GET", f"{BASE}/headers")
    assert answer.text == "ok"
    assert answer.headers["X-Mine"] == "yes"
    cookies = answer.raw.headers.getlist("Set-Cookie")
    assert sorted(cookies) == [
        "a=1; HttpOnly; Max-Age=60; Path=/; SameSite=Strict",
        "b=2; expires=Wed, 01 Jan 2031 00:00:00 GMT; Secure",
    ]


@pytest.mark.parametrize("function", ["broken", "nothing"])
def test_a_failing_function_is_an_empty_500(host: Any, function: str) -> None:
    answer = host.call("GET", f"{BASE}/{function}")
    assert (answer.status_code, answer.content) == (500, b"")


def test_the_reason_of_a_failure_is_logged(host: Any) -> None:
    host.call("GET", f"{BASE}/broken")
    assert "ValueError: something the caller must not see" in host.log()
    host.call("GET", f"{BASE}/nothing")
    assert 'unsupported type "http" for Python type "NoneType"' in host.log()


def test_invocation_context(host: Any) -> None:
    first, second = (host.call("GET", f"{BASE}/context").json() for _ in range(2))
    assert first["function"] == "with_context"
    assert first["id"] != second["id"]


def test_each_log_record_is_one_line_once(host: Any) -> None:
    host.call("GET", f"{BASE}/logs")
    lines = [line for line in host.log().splitlines() if "said" in line]
    assert len(lines) == 2
    assert lines[0].endswith("Z INFO    root: said once, by the root logger")
    assert lines[1].endswith("Z WARNING my.module: said once, by a named logger")
    assert "Function name:" not in host.log()


def test_sync_functions_run_on_threads_and_async_ones_on_one_loop(host: Any) -> None:
    def both(path: str) -> list[Response]:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda _: host.call("GET", f"{BASE}/{path}"), range(2)))

    threads, loop = both("meet/threads"), both("meet/loop")
    assert [answer.status_code for answer in threads + loop] == [200] * 4
    assert len({answer.text for answer in threads}) == 2
    assert len({answer.text for answer in loop}) == 1


def test_the_number_of_threads_is_a_setting(start_host: Any) -> None:
    one_thread = start_host(APP, PYTHON_THREADPOOL_THREAD_COUNT="1")
    with ThreadPoolExecutor(3) as pool:
        names = list(pool.map(lambda _: one_thread.call("GET", f"{BASE}/thread").text, range(3)))
    assert len(set(names)) == 1


def test_readiness_and_home_page(host: Any) -> None:
    assert host.call("GET", "/admin/host/status").json()["state"] == "Running"
    assert "up and running" in host.call("GET", "/").text


def test_the_announcement_lists_functions_with_urls(host: Any) -> None:
    assert f"  mirror: [GET,POST] {host.url}/svc/v1/mirror\n" in host.announced
    assert f"  any_method: [all] {host.url}/svc/v1/everything\n" in host.announced
    assert f"  thing_by_number: [GET] {host.url}/svc/v1/things/{{id:int}}\n" in host.announced
