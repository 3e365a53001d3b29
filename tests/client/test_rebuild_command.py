"""The command reads all parts and adds them up; an error ends it with its text."""

import argparse
from typing import Any

import pytest

from client import rebuild_command
from client.run_client import NotReadable, RunClient

PARTS: dict[str | None, dict[str, Any]] = {
    None: {"instances": 200, "added": 0, "continuation": "second"},
    "second": {"instances": 200, "added": 120, "continuation": "third"},
    "third": {"instances": 1, "added": 1, "continuation": None},
}


def run() -> int:
    return rebuild_command.run(argparse.Namespace(url="http://localhost:7071"))


def test_it_prints_each_part_and_the_sum(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(RunClient, "rebuild_part", lambda _, continuation: PARTS[continuation])
    assert run() == 0
    assert capsys.readouterr().out.splitlines() == [
        "part 1: 200 instances read, 0 runs added",
        "part 2: 200 instances read, 120 runs added",
        "part 3: 1 instance read, 1 run added",
        "in all: 401 instances read, 121 runs added",
    ]


def test_an_error_after_some_parts_says_that_they_stay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def part(_: RunClient, continuation: str | None) -> dict[str, Any]:
        if continuation == "third":
            raise NotReadable("The task hub is not available: it answered 500.", transient=True)
        return PARTS[continuation]

    monkeypatch.setattr(RunClient, "rebuild_part", part)
    assert run() == 1
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    assert printed.err.splitlines() == [
        "The task hub is not available: it answered 500.",
        "What was added stays. Run the command again: it reads the task hub from its begin.",
    ]
