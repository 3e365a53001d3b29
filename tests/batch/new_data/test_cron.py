"""Cron expressions: which are taken, and what is said of the others."""

from datetime import datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.new_data.cron import check_cron, is_at_fixed_times, wall_times

FROM = datetime(2026, 1, 31, 12, 0)


def first(cron: str, count: int = 3) -> list[str]:
    return [f"{moment:%m-%d %H:%M}" for moment in islice(wall_times(check_cron(cron), FROM), count)]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("* * * * *", ["01-31 12:01", "01-31 12:02", "01-31 12:03"]),
        ("*/30 * * * *", ["01-31 12:30", "01-31 13:00", "01-31 13:30"]),
        ("30 2 * * *", ["02-01 02:30", "02-02 02:30", "02-03 02:30"]),
        ("0 9-17/4 * * mon-fri", ["02-02 09:00", "02-02 13:00", "02-02 17:00"]),
        ("0 0 1,15 * *", ["02-01 00:00", "02-15 00:00", "03-01 00:00"]),
        ("0 0 L * *", ["02-28 00:00", "03-31 00:00", "04-30 00:00"]),
        ("0 0 * JAN 7", ["01-03 00:00", "01-10 00:00", "01-17 00:00"]),
        ("0 6 * * 5#1", ["02-06 06:00", "03-06 06:00", "04-03 06:00"]),
        # As cron has it: either the day of the month or the day of the week, unless one of them begins with *.
        ("0 0 13 * FRI", ["02-06 00:00", "02-13 00:00", "02-20 00:00"]),
        ("0 0 29 2 *", ["02-29 00:00"] * 3),
    ],
)
def test_the_times_that_an_expression_names(cron: str, expected: list[str]) -> None:
    assert first(cron) == expected


def test_spaces_do_not_matter() -> None:
    assert check_cron(" 0  2\t* * * \n") == "0 2 * * *"


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        ("61 * * * *", "field 1, the minute: it may hold 0 to 59"),
        ("*/0 * * * *", "field 1, the minute"),
        ("a * * * *", "field 1, the minute"),
        ("9" * 5_000 + " * * * *", "field 1, the minute"),
        ("0 24 * * *", "field 2, the hour: it may hold 0 to 23"),
        ("0 5-2 * * *", "field 2, the hour"),
        ("0 0 0 * *", "field 3, the day of the month: it may hold 1 to 31"),
        ("0 0 1 13 *", "field 4, the month: it may hold 1 to 12"),
        ("0 0 1 Januar *", "field 4, the month"),
        ("0 0 * * 8", "field 5, the day of the week: it may hold 0 to 7"),
        ("0 0 * * MON#6", "field 5, the day of the week"),
        ("0 0 31 2 *", "a time that never comes"),
        ("0 0 31 4,6,9,11 *", "a time that never comes"),
        # The last working day of a month is never a Sunday.
        ("0 0 LW * */7", "a time that never comes"),
        ("0 0 2 * * *", "6 fields: leave out the seconds"),
        ("", "must have 5 fields: minute, hour, day of the month, month, day of the week"),
        ("0 2 * *", "must have 5 fields"),
        ("@daily", "must have 5 fields"),
    ],
)
def test_a_wrong_expression_is_refused_with_its_field(cron: str, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        check_cron(cron)
    assert reason in str(error.value)


@given(st.text("0123459*,-/#LW MON?²", max_size=24))
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        checked = check_cron(text)
    except ValueError:
        return
    assert next(wall_times(checked, FROM)) > FROM


@pytest.mark.parametrize(
    ("cron", "fixed"),
    [("30 2 * * *", True), ("0,30 1-4 * * 1", True), ("*/5 2 * * *", False), ("0 */2 * * *", False)],
)
def test_fixed_times_and_times_every_so_often(cron: str, fixed: bool) -> None:
    assert is_at_fixed_times(cron) is fixed
