"""Submissions are lost at once beside healthy runs, and some reads fail: each job is adopted, at a small cost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.azure_ml import ControlClient
from local.machine import LocalMachine, MachineConfig
from tests.end_to_end.harness import TIME_SCALE, App
from tests.waiting import LIMIT, wait_for

FAILING_READS = 0.02
MOST_READS = 10
"""Pages of the list and jobs, for each lost submission."""
SELDOM = {"poll_interval": 86_400, "timeout": 604_800}
"""A run looks at its job once, right after it knows it: all other reads are those of searches."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    """A workspace of its own, which does not keep tags: each search has to look at other jobs, too."""
    config = MachineConfig(tmp_path_factory.mktemp("lost"), time_scale=TIME_SCALE)
    with LocalMachine(config) as machine:
        yield machine


def _started(app: App, count: int) -> list[str]:
    with ThreadPoolExecutor(8) as callers:
        return list(callers.map(lambda _: app.start(**SELDOM), range(count)))


def _jobs(app: App, run_ids: list[str]) -> list[str]:
    """The job of each run, once all of them have one."""

    def job_of(run_id: str) -> str:
        return str(wait_for(f"the job of {run_id}", lambda: app.run(run_id)["job"])["name"])

    return [job_of(run_id) for run_id in run_ids]


@pytest.mark.parametrize(("lost", "healthy"), [(5, 150), (100, 150)])
def test_all_are_adopted(machine: LocalMachine, control: ControlClient, lost: int, healthy: int) -> None:
    app = App(machine.url)
    control.hold("Preparing")
    control.fault("get_job", "answer", status=503, rate=FAILING_READS, times=None)
    started = _started(app, healthy // 2)
    _jobs(app, started)
    with control.gate("invoke", when="after", discard=True, times=lost) as gate:
        lost_ones = _started(app, lost)
        control.wait_at_gate(gate, lost, LIMIT)
    started += _started(app, healthy - len(started))
    jobs = _jobs(app, started + lost_ones)

    posts = control.requests("invoke")
    assert sum(post["status"] is None for post in posts) == lost
    assert len(posts) == lost + healthy
    made = {str(post["body"]["properties"]["tags"]["batch_run_id"]): post["jobs"] for post in posts}
    assert made == {run_id: [job] for run_id, job in zip(started + lost_ones, jobs, strict=True)}
    pages, jobs_read, checks = len(control.requests("list")), len(control.requests("get_job")), lost + healthy
    assert pages
    assert pages + jobs_read - checks <= MOST_READS * lost
