"""People see what each rule took and what no rule took, on the real surface."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.rule_counts import IgnoredUpload, Taken, add_ignored, add_taken, rule_key
from local.machine import LocalMachine
from tests.end_to_end import ledger_file
from tests.end_to_end.harness import App, start_after_kill
from tests.end_to_end.new_data import (
    CONTAINER,
    close_windows,
    jobs,
    machine_with,
    rule,
    runs,
    uploaded,
    wait_until_quiet,
)
from tests.waiting import wait_for

RULES = (
    rule(prefix="each/", start="file", tags={"team": "fraud"}),
    rule(prefix="folder/", suffix=".csv"),
    rule(prefix="day/", start="marker"),
)
EACH, FOLDER, DAY = range(3)


@pytest.fixture
def machine(own_state: Path) -> Iterator[LocalMachine]:
    with machine_with(own_state, *RULES) as machine:
        yield machine


def taken(machine: LocalMachine) -> list[int]:
    return [rule["taken"] for rule in App(machine.url).rules()["rules"]]


def test_each_rule_counts_the_uploads_that_it_took(machine: LocalMachine) -> None:
    before = App(machine.url).rules()
    assert before["topic"] == CONTAINER.topic
    assert [each["start"] for each in before["rules"]] == ["file", "folder", "marker"]
    assert [each["fields"]["prefix"] for each in before["rules"]] == ["each/", "folder/", "day/"]
    assert before["rules"][EACH]["fields"]["tags"] == {"team": "fraud"}
    assert [(each["taken"], each["last"], each["next_start_at"]) for each in before["rules"]] == [
        (0, None, None)
    ] * 3

    machine.clock.run(0)
    file = uploaded(machine, "each/größe 1.csv")
    for event in (file, file, uploaded(machine, "day/_SUCCESS", content="")):
        machine.grid.publish(event)
    for number in range(40):
        machine.grid.publish(uploaded(machine, f"folder/{number}.csv"))
    close_windows(machine, 40)
    assert taken(machine) == [1, 40, 1]
    assert jobs(machine) == 3
    each = App(machine.url).rules()["rules"][EACH]["last"]
    [run] = runs(machine, "each")
    assert (each["upload"], each["run_id"]) == ("incoming/each/größe 1.csv", run["run_id"])
    assert each["due_at"] is None

    machine.grid.publish(file)
    wait_until_quiet(machine)
    assert taken(machine) == [1, 40, 1]


def test_the_counts_outlive_the_host(machine: LocalMachine) -> None:
    machine.grid.publish(uploaded(machine, "each/1.csv"))
    wait_for("the first count", lambda: taken(machine)[EACH] == 1)
    machine.host.kill()
    start_after_kill(machine)
    assert taken(machine)[EACH] == 1
    machine.grid.publish(uploaded(machine, "each/2.csv"))
    wait_for("the second count", lambda: taken(machine)[EACH] == 2)
    wait_until_quiet(machine)


def test_ignored_uploads_are_shown_and_told_once(machine: LocalMachine, own_state: Path) -> None:
    assert App(machine.url).rules()["ignored"] == {"count": 0, "by_reason": {}, "last": None}
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    ignored = [
        IgnoredUpload(at, "incoming/folder/a.txt", reason) for reason in ("hidden", "suffix", "suffix")
    ]
    ledger_file.change(own_state, lambda table: add_ignored(table, ignored))
    assert App(machine.url).rules()["ignored"] == {
        "count": 3,
        "by_reason": {"hidden": 1, "suffix": 2},
        "last": {
            "at": "2026-01-31T12:00:00.000Z",
            "upload": "incoming/folder/a.txt",
            "reason": "suffix",
        },
    }

    def told() -> list[str]:
        lines = machine.host.log.read_text().splitlines()
        return [line.partition("uploads_ignored ")[2] for line in lines if "uploads_ignored " in line]

    App(machine.url).fire("housekeeping")
    wait_for("the line of housekeeping", told)
    ledger_file.change(own_state, lambda table: add_ignored(table, ignored[:1]))
    App(machine.url).fire("housekeeping")
    wait_for("the second line", lambda: len(told()) == 2)
    assert told() == ["count=3 suffix=2 hidden=1", "count=1 hidden=1"]
    assert App(machine.url).rules()["ignored"]["count"] == 4


def test_the_row_of_a_rule_that_is_gone_is_purged(machine: LocalMachine, own_state: Path) -> None:
    machine.grid.publish(uploaded(machine, "each/1.csv"))
    wait_for("the count", lambda: taken(machine)[EACH] == 1)
    wait_until_quiet(machine)
    gone = rule_key("0123456789ab")
    long_ago = Taken(datetime(2020, 1, 31, tzinfo=UTC), "incoming/a.csv", "file-1")
    ledger_file.change(own_state, lambda table: add_taken(table, gone, [long_ago]))
    App(machine.url).fire("purge_history")
    wait_for("the purge", lambda: gone.row not in ledger_file.rows(own_state))
    assert taken(machine)[EACH] == 1
