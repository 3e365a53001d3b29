import pytest

from batch.api.log_query import LogQuery
from batch.errors import InvalidRequest


def test_what_is_not_asked_for_has_a_default() -> None:
    assert LogQuery.parse({}) == LogQuery(tail=200, name=None)
    assert LogQuery.parse({"tail": "10000", "name": "user_logs/std_log.txt", "code": "key"}) == LogQuery(
        tail=10_000, name="user_logs/std_log.txt"
    )


@pytest.mark.parametrize("tail", ["", "0", "-1", "10001", "1.0", "1e3", "\u0661", "9" * 5_000])
def test_a_tail_that_is_no_number_of_lines_is_refused(tail: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        LogQuery.parse({"tail": tail})
    [error] = refused.value.errors
    assert (error.field, error.message) == ("tail", "must be a whole number from 1 to 10000")


def test_each_wrong_parameter_is_named() -> None:
    with pytest.raises(InvalidRequest) as refused:
        LogQuery.parse({"tail": "x", "name": "\n", "lines": "5"})
    assert [error.field for error in refused.value.errors] == ["lines", "tail", "name"]
    for name in ("", "a" * 256, "\u00e4"):
        with pytest.raises(InvalidRequest):
            LogQuery.parse({"name": name})
