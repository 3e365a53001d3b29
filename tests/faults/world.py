"""The app, a task hub, a ledger and Azure ML in one process: what people do there, and what must hold then."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import azure.functions as func

from batch.run.state import Run
from batch.timestamps import format_timestamp
from ledger.run_row import PARTITION, run_key
from ledger.runs import add_run, new_row
from ledger.table import Insert, Key, Table
from tests.batch.builders import body, parse
from tests.faults.azure_ml import FakeAzureMl
from tests.faults.clock import Clock
from tests.faults.faulty_table import FaultyTable
from tests.faults.plan import Faults, Killed, process
from tests.faults.runtime import Runtime
from tests.task_hub.task_hub import TaskHub
from tests.triggers.functions import INVOCATION, functions
from triggers import housekeeping, http_api, reruns

RUN = "r-1"
REBUILT = "rebuilt"
HOUSEKEEPING = "housekeeping"
MOST_POSTS = 10
MOST_HOURS = 6
MOST_STEPS = 100

_FUNCTIONS = functions(http_api.bp) | functions(housekeeping.bp) | functions(reruns.bp)


class World:
    """``answers`` are the statuses of all answers to starts; ``unanswered`` counts those without an answer.

    ``broken`` is what the API raised. ``asked`` are the fields of each start.
    """

    def __init__(self, hub: TaskHub, table: Table, path: Path, clock: Clock, faults: Faults) -> None:
        self.hub = hub
        self.clock = clock
        self.faults = faults
        self.table = FaultyTable(table, faults)
        self.azure_ml = FakeAzureMl(clock, self.attempt_of)
        self.runtime = Runtime(hub, clock, self.azure_ml.explain)
        self.asked: dict[str, Any] = {}
        self.answers: list[int] = []
        self.unanswered = 0
        self.broken: list[Exception] = []
        self._path = path

    def of_version(self, version: str) -> None:
        """The instances of the task hub were started by this version of the app."""
        self.runtime = Runtime(self.hub, self.clock, self.azure_ml.explain, version)

    async def already_rebuilt(self) -> None:
        """So that housekeeping does not mend by a rebuild what it must mend without one."""
        done = {"DoneAt": format_timestamp(self.clock.now)}
        with self.faults.paused():
            await self.table.write(Insert(Key(PARTITION, REBUILT), done))

    # What people and the platform do.

    async def post(self, **fields: Any) -> int | None:
        """The status of the answer to a start; None without an answer."""
        sent = json.dumps(body(run_id=RUN, **self.asked, **fields)).encode()
        status, _ = await self._ask("start_batch_run", sent, context=INVOCATION)
        if status:
            self.answers.append(status)
        else:
            self.unanswered += 1
        return status

    async def post_until_answered(self) -> None:
        for _ in range(MOST_POSTS):
            if await self.post() in (200, 202):
                with self.faults.paused():
                    await self.assert_listed_once()
                return
            self.clock.advance(seconds=5)
        raise AssertionError(f"no start was accepted: {self.answers}")

    async def cancel(self) -> int | None:
        status, _ = await self._ask("cancel_run")
        return status

    async def cancel_until_answered(self) -> int:
        for _ in range(MOST_POSTS):
            if (status := await self.cancel()) in (202, 404, 409):
                return status
            self.clock.advance(seconds=5)
        raise AssertionError("no cancel was answered")

    async def rerun(self) -> tuple[int | None, Any]:
        return await self._ask("rerun_run", context=INVOCATION)

    async def get(self) -> tuple[int | None, Any]:
        return await self._ask("get_run")

    async def list(self) -> tuple[int | None, Any]:
        return await self._ask("list_all_runs")

    async def lose_the_start(self) -> None:
        """A caller is killed right after it added the run."""
        run = Run(request=parse(body(run_id=RUN))[1])
        with self.faults.paused():
            await add_run(self.table, new_row(RUN, run, self.clock.now), run)

    def wait(self, **time: float) -> None:
        self.clock.advance(**time)
        self.hub.now = format_timestamp(self.clock.now)

    def end_from_outside(self, runtime_status: str) -> None:
        ended = {"runtimeStatus": runtime_status, "output": "by hand"}
        self.hub.instances[RUN].update(ended, lastUpdatedTime=format_timestamp(self.clock.now))

    async def housekeeping(self) -> None:
        await self._timer("housekeeping")

    async def settle(self) -> None:
        """All runs end, and housekeeping comes until nothing is left to mend."""
        for _ in range(MOST_HOURS):
            await self.runtime.run_to_ends()
            self.clock.advance(hours=1)
            await self.housekeeping()
            if not self.runtime.under_way and not any(row.startswith("open ") for row in self.rows()):
                return
        raise AssertionError(f"these rows are not mended: {sorted(self.rows())}")

    async def purge(self) -> None:
        self.clock.advance(days=31)
        for _ in range(3):
            await self.housekeeping()
            await self._timer("purge_history")
            self.clock.advance(hours=1)

    async def runs(self) -> None:
        """Until its job is at work nothing goes wrong. The job runs until it is canceled."""
        self.azure_ml.ends_as = None
        with self.faults.paused():
            await self.already_rebuilt()
            await self.post_until_answered()
            await self._until_running()

    async def is_purged(self) -> None:
        """Without anything going wrong: then no row is left."""
        with self.faults.paused():
            await self.purge()
        self.assert_nothing_is_left()

    # What must hold.

    async def assert_ended_once(self, phase: str, *, jobs: int = 1, starts: int = 1) -> None:
        """The run was started once, has one job, is in the list and by id, and the ledger knows its end."""
        assert self.broken == []
        assert self.answers.count(202) <= 1
        assert self.hub.started.count(RUN) == starts
        assert len(self.azure_ml.jobs_of(RUN)) == jobs
        self.azure_ml.assert_that_each_post_had_a_claim()
        self.azure_ml.assert_that_no_two_jobs_share_an_output()
        runtime_status = "Completed" if phase == "Completed" else "Failed"
        assert self.hub.instances[RUN]["runtimeStatus"] == runtime_status
        await self.assert_in_ledger(phase, runtime_status)
        owners = {key: row["RunId"] for key, row in self.rows().items() if key.startswith("job ")}
        assert owners == {f"job {job.name}": RUN for job in self.azure_ml.jobs_of(RUN)}

    async def assert_in_ledger(self, phase: str, runtime_status: str) -> None:
        rows = self.rows()
        [listed] = [row for key, row in rows.items() if key.startswith("at ")]
        assert (listed["RunId"], listed["Phase"], listed["RuntimeStatus"]) == (RUN, phase, runtime_status)
        assert listed["EndedAt"]
        assert rows[f"id {RUN}"]["Phase"] == phase
        assert [key for key in rows if key.startswith("open ")] == []
        with self.faults.paused():
            status, view = await self.get()
            assert (status, view["phase"]) == (200, phase)
            await self.assert_listed_once(phase)

    async def assert_listed_once(self, phase: str | None = None) -> None:
        status, page = await self.list()
        assert status == 200
        [view] = page["runs"]
        assert view["run_id"] == RUN
        assert phase in (None, view["phase"])

    def assert_nothing_is_left(self) -> None:
        assert [key for key in self.rows() if key not in (REBUILT, HOUSEKEEPING)] == []
        assert list(self.hub.instances) == []

    def rows(self) -> dict[str, dict[str, str]]:
        """All rows of the ledger, by row key."""
        with closing(sqlite3.connect(self._path)) as store:
            found = store.execute("SELECT row_key, content FROM ledger").fetchall()
        return {key: json.loads(content) for key, content in found}

    def attempt_of(self, run_id: str) -> str | None:
        attempt = json.loads(self.rows()[run_key(run_id).row]["Submission"]).get("attempt")
        assert attempt is None or isinstance(attempt, str)
        return attempt

    async def _until_running(self) -> None:
        for _ in range(MOST_STEPS):
            if (self.hub.instances[RUN]["customStatus"] or {}).get("phase") == "Running":
                return
            await self.runtime.step()
        raise AssertionError("the job is never at work")

    async def _timer(self, function: str) -> None:
        self.hub.now = format_timestamp(self.clock.now)
        with process():
            try:
                await _FUNCTIONS[function](timer=None, client=self.hub.binding)
            except Killed:
                return

    async def _ask(self, function: str, sent: bytes = b"", **more: Any) -> tuple[int | None, Any]:
        self.clock.advance(seconds=1)
        self.hub.now = format_timestamp(self.clock.now)
        asked = func.HttpRequest(
            method="POST" if sent else "GET",
            url="https://app/api/batch-runs",
            route_params={"run_id": RUN},
            body=sent,
        )
        with process():
            try:
                answer = await _FUNCTIONS[function](req=asked, client=self.hub.binding, **more)
            except Killed:
                return None, None
            except Exception as error:
                self.broken.append(error)
                return 500, None
        return answer.status_code, json.loads(answer.get_body())
