"""Uploads that no rule takes, from their events to what people see: a line, a count by reason, and one report."""

from pathlib import Path

from tests.end_to_end.harness import App
from tests.end_to_end.new_data import machine_with, rule, uploaded
from tests.waiting import wait_for

UPLOADS = 30


def test_a_burst_of_uploads_that_no_rule_takes_is_counted_by_reason(own_state: Path) -> None:
    with machine_with(own_state, rule(prefix="in/", start="file", suffix=".csv")) as machine:
        others = [uploaded(machine, f"in/{number}.txt") for number in range(UPLOADS)]
        for event in (*others, uploaded(machine, "in/_temporary/a.csv"), uploaded(machine, "in/a.csv")):
            machine.grid.publish(event)
        machine.grid.wait_until_idle(60)
        view = App(machine.url).rules()
        assert view["rules"][0]["taken"] == 1
        assert view["ignored"]["count"] == UPLOADS + 1
        assert view["ignored"]["by_reason"] == {"hidden": 1, "suffix": UPLOADS}
        assert view["ignored"]["last"]["upload"].startswith("incoming/in/")

        App(machine.url).fire("housekeeping")
        line = f"uploads_ignored count={UPLOADS + 1} suffix={UPLOADS} hidden=1"
        wait_for("the line of housekeeping", lambda: line in machine.host.log.read_text())
