"""Query parameters of the management API."""

from datetime import UTC, datetime

import pytest

from functions_host.durable.states import RuntimeStatus
from functions_host.durable_http.query_parameters import QueryParameters


def query(*pairs: tuple[str, str]) -> QueryParameters:
    return QueryParameters(pairs)


def test_query_names_are_case_insensitive() -> None:
    assert query(("SHOWHISTORY", "True")).flag("showHistory", False)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), (" FALSE ", False), ("1", True), ("yes", True), ("", True)]
)
def test_flags_that_do_not_parse_are_ignored(text: str, value: bool) -> None:
    assert query(("f", text)).flag("f", True) is value


@pytest.mark.parametrize(
    ("text", "size"), [("5", 5), ("0", 0), ("-1", 100), ("x", 100), ("", 100), (" 7 ", 7)]
)
def test_page_size(text: str, size: int) -> None:
    assert query(("top", text)).page_size() == size


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-02T03:04:05.000000Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.1234567Z", datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times(text: str, time: datetime | None) -> None:
    assert query(("t", text)).time("t") == time


def test_statuses_as_list_or_repeated_and_unknown_ones_ignored() -> None:
    statuses = query(("runtimeStatus", "Running,Failed"), ("runtimestatus", "Pending, Odd")).statuses()
    assert statuses == {RuntimeStatus.RUNNING, RuntimeStatus.FAILED, RuntimeStatus.PENDING}
    assert query(("runtimeStatus", "Odd")).statuses() == frozenset()
