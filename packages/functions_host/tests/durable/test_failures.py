"""The texts of failures."""

import json

import pytest

from functions_host.durable.failures import state_in_failure, with_shortened_times


@pytest.mark.parametrize(
    ("message", "state"),
    [
        ("Exception: boom", None),
        ('Exception: boom\n\n$OutOfProcData$:{"a": 1}', '{"a": 1}'),
        ('Exception: boom\n\n$OutOfProcData$:{"a": 1}\nStack: x', '{"a": 1}'),
        ('Exception: said $OutOfProcData$: too\n\n$OutOfProcData$:{"a": 1}', '{"a": 1}'),
        ("Exception: $OutOfProcData$:", None),
    ],
)
def test_the_state_is_cut_out_of_a_failure(message: str, state: str | None) -> None:
    assert state_in_failure(message) == state


@pytest.mark.parametrize(
    ("time", "shortened"),
    [
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00.350Z", "2026-01-01T00:00:00.35Z"),
        ("2026-01-01T00:00:10Z", "2026-01-01T00:00:10Z"),
        ("at 2026-01-01T00:00:00.000Z", "at 2026-01-01T00:00:00.000Z"),
        ('"2026-01-01T00:00:00.000Z"', '"2026-01-01T00:00:00.000Z"'),
    ],
)
def test_times_in_the_state_of_a_failure_lose_their_last_zeros(time: str, shortened: str) -> None:
    assert json.loads(with_shortened_times(json.dumps({"at": [time]}))) == {"at": [shortened]}
