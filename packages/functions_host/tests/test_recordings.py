"""The comparison with recordings finds every relevant difference, and no other."""

from typing import Any

import pytest

from packages.functions_host.tests.recordings import differences

GUID = "0c9ed9a8-7cf1-4a3c-9d0f-6a1f0e7a1c01"


@pytest.mark.parametrize(
    ("recorded", "here"),
    [
        ({"a": 1}, {}),
        ({"a": None}, {"a": None, "b": None}),
        ({"a": None}, {"a": ""}),
        ({"a": False}, {"a": 0}),
        ([1, 2], [1]),
        (["x"], ["y"]),
        ([GUID], [GUID.replace("-", "")]),
        (["2026-11-26T12:26:07Z"], ["2026-11-26T12:26:07+00:00"]),
        (["0001-01-01T00:00:00"], ["2026-11-26T12:26:07.1"]),
        (['{"a":1}'], ['{"a":2}']),
        (['{"a":1}'], ['{"a": 1}']),
        ([None], [GUID]),
    ],
)
def test_a_difference_is_found(recorded: Any, here: Any) -> None:
    assert differences(recorded, here, {})


@pytest.mark.parametrize(
    ("recorded", "here"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([GUID], ["1" + GUID[1:]]),
        (["2026-11-26T12:26:07.36Z"], ["2026-01-01T00:00:00.0000000Z"]),
        ([f'{{"a":"{GUID}","b c":"d e"}}'], [f'{{"b c":"d e","a":"{GUID}"}}']),
        ({"name": 1}, {"name": 2}),
    ],
)
def test_values_that_change_in_every_run_are_not_a_difference(recorded: Any, here: Any) -> None:
    assert not differences(recorded, here, {"name": "not compared"})
