"""What hangs holds up nothing else: reads without an answer, answers that trickle, a token that does not come."""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.azure_ml import ControlClient
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import App
from tests.waiting import wait_for

MORE_CHECKS = 3
_CLIENTS = 4


@contextmanager
def machine_with_jobs_that_run(state: Path) -> Iterator[LocalMachine]:
    """What hangs is released at the end: a host waits for its threads when it stops."""
    with LocalMachine(MachineConfig(state)) as machine:
        machine.control.hold("Running")
        try:
            yield machine
        finally:
            machine.control.reset()


def started(app: App, count: int, interval: int) -> dict[str, str]:
    """The job of each of so many runs, once each has one."""
    with ThreadPoolExecutor(_CLIENTS) as clients:
        run_ids = set(
            clients.map(lambda _: app.start(deployment="noop", poll_interval=interval), range(count))
        )

    def jobs() -> dict[str, str] | None:
        views = [view for view in app.list(top=200).json()["runs"] if view["run_id"] in run_ids]
        found = {view["run_id"]: view["job"]["name"] for view in views if view["job"]}
        return found if len(found) == count else None

    return wait_for(f"the jobs of {count} runs", jobs)


def job_of(read: dict[str, Any]) -> str:
    return str(read["path"].rpartition("/")[2])


def checks(control: ControlClient) -> Counter[str]:
    """How many reads of each job have arrived."""
    return Counter(map(job_of, control.requests("get_job")))


def wait_for_more_checks(control: ControlClient, jobs: Iterable[str]) -> None:
    before = checks(control)

    def each_has_more() -> bool:
        now = checks(control)
        return all(now[job] >= before[job] + MORE_CHECKS for job in jobs)

    wait_for(f"{MORE_CHECKS} more checks of each job", each_has_more)


def wait_for_cancel(control: ControlClient, job: str) -> None:
    wait_for(
        f"the cancel of {job}",
        lambda: any(f"/{job}/" in call["path"] for call in control.requests("cancel")),
    )


def test_reads_without_an_end_hold_up_no_other_run(own_state: Path) -> None:
    with machine_with_jobs_that_run(own_state) as machine:
        app, control = App(machine.url), machine.control
        # With a shorter interval so many runs would keep two cores busy by themselves.
        jobs = started(app, 126, interval=3)
        silent, trickling, healthy = (list(jobs)[a:b] for a, b in ((0, 20), (20, 26), (26, None)))
        faults = [
            control.fault("get_job", action, job=jobs[run_id], times=None)
            for action, run_ids in (("hold", silent), ("trickle", trickling))
            for run_id in run_ids
        ]
        for fault in faults:
            control.wait_at_gate(fault, limit=20)

        wait_for_more_checks(control, [jobs[run_id] for run_id in healthy])
        assert app.cancel(healthy[0]).status_code == 202
        wait_for_cancel(control, jobs[healthy[0]])
        assert app.wait_for_phase(healthy[0], "Canceled")
        listed = app.list(top=200).json()["runs"]
        assert {view["run_id"] for view in listed} == set(jobs)

        last_answers = {
            call["path"].rpartition("/")[2]: call["status"] for call in control.requests("get_job")
        }
        assert {last_answers[jobs[run_id]] for run_id in (*silent, *trickling)} == {None}


def test_a_token_that_does_not_come_holds_up_no_run_that_needs_another(own_state: Path) -> None:
    with machine_with_jobs_that_run(own_state) as machine:
        app, control = App(machine.url), machine.control
        jobs = started(app, 12, interval=1)
        canceled, *others = jobs
        with control.gate("identity", audience=machine.azure_ml.arm_audience, times=None) as gate:
            assert app.cancel(canceled).status_code == 202
            control.wait_at_gate(gate)

            wait_for_more_checks(control, [jobs[run_id] for run_id in others])
            new = started(app, 3, interval=1)
            wait_for_more_checks(control, new.values())
            assert {view["run_id"] for view in app.list().json()["runs"]} == {*jobs, *new}
            assert control.get_fault(gate)["waiting"]
            assert not control.requests("cancel")
        wait_for_cancel(control, jobs[canceled])
