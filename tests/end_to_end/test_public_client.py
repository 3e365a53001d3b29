"""With an SDK whose client has public attributes only, a lost ledger is made again, and old runs are purged."""

import os
from pathlib import Path

from local.host_process import ROOT
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end import ledger_file
from tests.end_to_end.harness import App
from tests.end_to_end.test_housekeeping import clean, instances, make_older
from tests.end_to_end.test_rebuild import listed, rebuild
from tests.waiting import wait_for


def test_a_lost_ledger_is_made_again_and_old_runs_are_purged(own_state: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "from tests.task_hub.public_client import give_to_each_function\ngive_to_each_function()\n"
    )
    settings = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with LocalMachine(MachineConfig(own_state, settings=settings)) as machine:
        app = App(machine.url)
        old, new = (app.start(run_id=run_id, deployment="noop") for run_id in ("old", "new"))
        for run_id in (old, new):
            app.wait_for_end(run_id)
        before = listed(machine)
        assert sorted(run_id for run_id, *_ in before) == [new, old]

        machine.host.stop()
        ledger_file.delete(own_state)
        machine.host.start()
        assert listed(machine) == []
        assert rebuild(machine.url).stdout.splitlines()[-1].endswith(", 2 runs added")
        assert listed(machine) == before

        make_older(machine, own_state, [old], "2025")
        clean(machine)
        # The rows of a run go after its instance.
        wait_for("the purge", lambda: [run_id for run_id, *_ in listed(machine)] == [new])
        assert instances(machine) == {new}
        assert machine.host.log.read_text().count("a client with public attributes only") == 3
