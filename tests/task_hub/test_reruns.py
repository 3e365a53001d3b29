"""A run is run again once for callers that ask at the same time, and only where no job of it may run."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from batch.api.responses import ApiError
from batch.api.run_query import RunQuery
from batch.errors import ErrorCode, RunError
from batch.run.outcome import End
from batch.run.phases import Phase
from batch.run.state import Run
from batch.run.status import RunStatus
from ledger.job_owners import own_job
from ledger.reruns import reruns_after
from ledger.runs import RunEnd, delete_run, end_run, find_row
from ledger.submissions import change_submission
from ledger.table import Replace, RowChanged
from task_hub import reruns
from task_hub.known_runs import find_run
from task_hub.reruns import NotRunAgain, Rerun, plan_rerun, run_again, start_rerun
from task_hub.run_list import list_runs
from task_hub.runs import decoded_input
from task_hub.starts import start_run
from tests.batch.builders import OUTPUT_URI, START, custom_status, failure, request, run
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import added, found, of_folder
from tests.task_hub.task_hub import TaskHub, instance

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")

RUN = Run(request=request())


def run_of(run_id: str) -> Run:
    """A run whose output has its id."""
    output = (
        request().outputs["output_data"].model_copy(update={"uri": OUTPUT_URI.replace("{run_id}", run_id)})
    )
    return Run(request=request(outputs={"output_data": output}))


def end_of(code: ErrorCode | None, job_status: str | None = None) -> RunStatus:
    outcome = Phase.FAILED if code else Phase.COMPLETED
    error = failure(code) if code else None
    return RunStatus.of(run(status=job_status), end=End(outcome, error), ended_at=datetime.now(UTC))


def in_hub(run_id: str, status: RunStatus, state: Run = RUN) -> dict[str, Any]:
    runtime_status = "Completed" if status.phase == "Completed" else "Failed"
    return instance(
        run_id,
        runtimeStatus=runtime_status,
        customStatus=status.to_json(),
        input=json.dumps(state.to_json()),
        output="Orchestrator function 'batch_run' failed: internal" if runtime_status == "Failed" else None,
    )


async def ends(
    hub: TaskHub,
    table: CountingTable,
    run_id: str = "r-1",
    code: ErrorCode | None = ErrorCode.JOB_FAILED,
    job_status: str | None = None,
    run: Run | None = None,
) -> None:
    """The run is added if it is not there yet, and ends, both in the task hub and in the ledger."""
    run = run or run_of(run_id)
    status = end_of(code, job_status or ("Failed" if code is ErrorCode.JOB_FAILED else None))
    row = await find_row(table, run_id) or await added(table, run_id, datetime.now(UTC), run)
    if run_id in hub.instances:
        run = Run.from_json(decoded_input(hub.instances[run_id]["input"]))
    hub.instances[run_id] = in_hub(run_id, status, run)
    await end_run(table, row, RunEnd(status, "Failed" if code else "Completed"))


async def started(hub: TaskHub, run_id: str = "r-1", *, confirmed: bool = False) -> Rerun:
    with hub.served() as client:
        return await run_again(client, run_id, confirmed=confirmed)


async def refused(hub: TaskHub, run_id: str = "r-1", *, confirmed: bool = False) -> NotRunAgain:
    with hub.served() as client, pytest.raises(NotRunAgain) as raised:
        await run_again(client, run_id, confirmed=confirmed)
    assert hub.started == []
    return raised.value


async def test_a_failed_run_is_run_again_with_its_request_and_its_source(table: CountingTable) -> None:
    hub = TaskHub([])
    before = of_folder("incoming", "2026/")
    before = before.model_copy(update={"request": request(timeout=7, deployment="blue")})
    await ends(hub, table, run=before)
    rerun = await started(hub)
    assert (rerun.run_id, rerun.existing) == ("r-1.2", None)
    assert hub.started == ["r-1.2"]
    again = Run.from_json(decoded_input(hub.instances["r-1.2"]["input"]))
    assert (again.rerun_of, again.first_run, again.source) == ("r-1", "r-1", before.source)
    assert again.request.outputs["output_data"].uri == OUTPUT_URI.replace("{run_id}", "r-1.2")
    assert again.request.model_copy(update={"outputs": before.request.outputs}) == before.request
    # What only the run before went through does not go along.
    assert (again.job, again.checks, again.failure, again.started_at) == (None, 0, None, None)


async def test_both_runs_tell_of_each_other(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    await started(hub)
    with hub.served() as client:
        for _ in range(2):
            before, again = await find_run(client, "r-1"), await find_run(client, "r-1.2")
            assert before
            assert again
            assert (before.view["rerun_of"], before.view["reruns"]) == (None, ["r-1.2"])
            assert (again.view["rerun_of"], again.view["reruns"]) == ("r-1", [])
            listed, _ = await list_runs(client, RunQuery())
            links = {view["run_id"]: (view["rerun_of"], view["reruns"]) for view in listed}
            assert links == {"r-1": (None, ["r-1.2"]), "r-1.2": ("r-1", [])}
            # Also after the end, and where the task hub has nothing any more.
            await ends(hub, table, "r-1.2", None)
        hub.instances.clear()
        before, again = await find_run(client, "r-1"), await find_run(client, "r-1.2")
        assert before
        assert again
        assert (before.view["reruns"], again.view["rerun_of"]) == (["r-1.2"], "r-1")


async def test_of_callers_at_once_one_starts_the_rerun(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    with hub.served() as client:
        reruns = await asyncio.gather(*(run_again(client, "r-1") for _ in range(8)))
    assert {rerun.run_id for rerun in reruns} == {"r-1.2"}
    assert sum(rerun.existing is None for rerun in reruns) == 1
    assert hub.started == ["r-1.2"]


async def test_while_the_rerun_is_under_way_it_is_the_answer(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    await started(hub)
    # Also to a caller that confirms: a double click is one.
    for confirmed in (False, True):
        rerun = await started(hub, confirmed=confirmed)
        assert rerun.existing
        assert (rerun.run_id, rerun.existing.view["phase"]) == ("r-1.2", "Pending")
    assert hub.started == ["r-1.2"]


async def test_numbers_count_from_the_first_run_whichever_is_run_again(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    for asked, new_id in (("r-1", "r-1.2"), ("r-1.2", "r-1.3"), ("r-1", "r-1.4"), ("r-1.2", "r-1.5")):
        assert (await started(hub, asked)).run_id == new_id
        assert Run.from_json(decoded_input(hub.instances[new_id]["input"])).rerun_of == asked
        await ends(hub, table, new_id)
    rows = await reruns_after(table, await found(table))
    assert [(row.run_id, row.first_run) for row in rows] == [(f"r-1.{n}", "r-1") for n in (2, 3, 4, 5)]
    with hub.served() as client:
        known = await find_run(client, "r-1")
    assert known
    assert known.view["reruns"] == ["r-1.2", "r-1.4"]


async def test_an_earlier_run_is_answered_with_the_rerun_of_its_rerun(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    await started(hub)
    await ends(hub, table, "r-1.2")
    await started(hub, "r-1.2")
    rerun = await started(hub, "r-1")
    assert rerun.run_id == "r-1.3"
    assert rerun.existing
    assert hub.started == ["r-1.2", "r-1.3"]


async def test_an_id_that_another_run_or_a_window_has_is_passed_over(table: CountingTable) -> None:
    hub = TaskHub([instance("r-1.3", name="new_data_window")])
    await added(table, "r-1.2")
    await ends(hub, table)
    assert (await started(hub)).run_id == "r-1.4"
    again = Run.from_json(decoded_input(hub.instances["r-1.4"]["input"]))
    assert again.request.outputs["output_data"].uri == OUTPUT_URI.replace("{run_id}", "r-1.4")


async def test_too_many_ids_of_others_are_an_answer_in_words(table: CountingTable) -> None:
    hub = TaskHub([])
    for number in range(2, 40):
        await added(table, f"r-1.{number}")
    await ends(hub, table)
    refusal = await refused(hub)
    assert refusal.kind is ApiError.NOT_REPEATABLE
    assert str(refusal).startswith("The ids from r-1.2 on belong to other runs. Start a new run")


async def test_a_long_id_is_shortened_for_its_reruns(table: CountingTable) -> None:
    hub, long = TaskHub([]), "r-1." + "a" * 96
    await ends(hub, table, long, run=Run(request=request(outputs={})))
    first, second = await started(hub, long), await started(hub, long)
    assert first.run_id == second.run_id == f"{long[:96]}.2"
    assert (await found(table, first.run_id)).first_run == long


async def test_a_run_that_goes_on_is_repeated_only_if_confirmed(table: CountingTable) -> None:
    under_way = custom_status(run(status="Running", running_at=START))
    state = json.dumps(RUN.to_json())
    hub = TaskHub([instance("r-1", runtimeStatus="Running", customStatus=under_way, input=state)])
    await added(table)
    refusal = await refused(hub)
    assert refusal.kind is ApiError.MAY_HAVE_A_JOB
    assert str(refusal).startswith("Run r-1 goes on: it is Running, with job batchjob-1.")
    assert (await started(hub, confirmed=True)).run_id == "r-1.2"
    # It goes on, and may still be canceled or claim.
    assert not (await found(table)).submission.cancel_requested


async def test_a_run_whose_start_is_still_to_be_made_goes_on(table: CountingTable) -> None:
    hub = TaskHub([])
    await added(table)
    assert str(await refused(hub)).startswith("Run r-1 goes on: it is Pending.")
    assert (await started(hub, confirmed=True)).run_id == "r-1.2"


@pytest.mark.parametrize(
    ("code", "job_status", "words"),
    [
        (ErrorCode.SUBMISSION_UNCERTAIN, None, "may have a job of which it does not know the end"),
        (ErrorCode.TIMED_OUT, "Running", "Job batchjob-1 of run r-1 may still run"),
    ],
)
async def test_an_uncertain_run_is_repeated_only_if_confirmed(
    table: CountingTable, code: ErrorCode, job_status: str | None, words: str
) -> None:
    hub = TaskHub([])
    await ends(hub, table, code=code, job_status=job_status)
    refusal = await refused(hub)
    assert refusal.kind is ApiError.MAY_HAVE_A_JOB
    assert words in str(refusal)
    assert (await started(hub, confirmed=True)).run_id == "r-1.2"


async def test_a_terminated_run_with_a_claim_is_uncertain(table: CountingTable) -> None:
    hub = TaskHub([])
    row = await added(table)
    state = json.dumps(RUN.to_json())
    hub.instances["r-1"] = instance("r-1", runtimeStatus="Terminated", output="by hand", input=state)
    await change_submission(table, row, lambda submission: submission.claim("a", START.isoformat(), None))
    assert "may have a job" in str(await refused(hub))


async def test_a_late_step_of_a_terminated_run_cannot_submit_after_the_rerun(table: CountingTable) -> None:
    hub = TaskHub([])
    await added(table)
    state = json.dumps(RUN.to_json())
    hub.instances["r-1"] = instance("r-1", runtimeStatus="Terminated", output="by hand", input=state)
    await started(hub)
    late = await change_submission(table, await found(table), lambda each: each.claim("a", "t", None))
    assert late.attempt is None


async def test_a_late_step_of_a_terminated_rerun_cannot_submit_after_the_next_one(
    table: CountingTable,
) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    await started(hub)
    hub.instances["r-1.2"] |= {"runtimeStatus": "Terminated", "output": "by hand"}
    with hub.served() as client:
        plan = await plan_rerun(client, "r-1.2")
    assert (await started(hub)).run_id == "r-1.3"
    late = await change_submission(
        table, await found(table, "r-1.2"), lambda each: each.claim("a", "t", None)
    )
    assert late.attempt is None
    with hub.served() as client:
        outdated = await start_rerun(client, plan)
    assert outdated.existing
    assert hub.started == ["r-1.2", "r-1.3"]


async def test_a_claim_of_the_latest_rerun_between_the_look_and_the_write_is_seen(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    await started(hub)
    hub.instances["r-1.2"] |= {"runtimeStatus": "Terminated", "output": "by hand"}
    changes_of = reruns.changes_for_rerun

    async def after_a_claim(*of: Any, **more: Any) -> Any:
        row = await found(table, "r-1.2")
        await change_submission(table, row, lambda each: each.claim("a", START.isoformat(), None))
        return await changes_of(*of, **more)

    monkeypatch.setattr(reruns, "changes_for_rerun", after_a_claim)
    hub.started.clear()
    assert "Run r-1.2 may have a job" in str(await refused(hub))


async def test_a_run_that_was_terminated_between_two_jobs_submits_no_second_one(table: CountingTable) -> None:
    hub = TaskHub([])
    row = await added(table)
    await change_submission(table, row, lambda each: each.claim("a", START.isoformat(), None))
    await own_job(table, row, "batchjob-1")
    first = run(status="Failed", asked=RUN.request)
    assert first.job
    between = custom_status(first.with_next_job(first.job, None, START))
    hub.instances["r-1"] = instance(
        "r-1", runtimeStatus="Terminated", customStatus=between, input=json.dumps(RUN.to_json())
    )
    assert (await started(hub)).run_id == "r-1.2"
    second = (await found(table)).of_job(2)
    late = await change_submission(table, second, lambda each: each.claim("b", "t", None))
    assert late.attempt is None


async def test_a_claim_between_the_look_and_the_write_is_seen(table: CountingTable) -> None:
    hub = TaskHub([])
    row = await added(table)
    state = json.dumps(RUN.to_json())
    hub.instances["r-1"] = instance("r-1", runtimeStatus="Terminated", output="by hand", input=state)
    with hub.served() as client:
        plan = await plan_rerun(client, "r-1")
        await change_submission(table, row, lambda each: each.claim("a", START.isoformat(), None))
        with pytest.raises(Exception, match="id r-1"):
            await start_rerun(client, plan)
    assert hub.started == []
    assert "may have a job" in str(await refused(hub))


async def test_an_uncertain_rerun_stops_the_next_one(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    await started(hub)
    await ends(hub, table, "r-1.2", ErrorCode.SUBMISSION_UNCERTAIN)
    hub.started.clear()
    assert "Run r-1.2 may have a job" in str(await refused(hub))
    assert (await started(hub, confirmed=True)).run_id == "r-1.3"


async def test_a_fixed_output_is_refused(table: CountingTable) -> None:
    hub, output = TaskHub([]), request().outputs["output_data"]
    fixed = request(
        outputs={"scores": output.model_copy(update={"uri": "azureml://datastores/a/paths/b.csv"})}
    )
    await ends(hub, table, run=Run(request=fixed))
    refusal = await refused(hub)
    assert refusal.kind is ApiError.NOT_REPEATABLE
    assert "output scores of run r-1 does not hold its run id" in str(refusal)


async def test_a_run_whose_history_was_purged_has_no_request(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    hub.instances.clear()
    for confirmed in (False, True):
        refusal = await refused(hub, confirmed=confirmed)
        assert refusal.kind is ApiError.REQUEST_GONE
        assert "Start a new run with a request of your own" in str(refusal)


async def test_the_end_of_a_rerun_is_known_from_the_ledger_after_its_history_was_purged(
    table: CountingTable,
) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    await started(hub)
    await ends(hub, table, "r-1.2")
    del hub.instances["r-1.2"]
    assert (await started(hub)).run_id == "r-1.3"


@pytest.mark.parametrize("instances", [[], [instance("r-1", name="new_data_window")]])
async def test_what_is_no_run_is_not_run_again(table: CountingTable, instances: list[dict[str, Any]]) -> None:
    assert (await refused(TaskHub(instances))).kind is ApiError.NO_SUCH_RUN


async def test_a_run_of_a_version_without_a_ledger_is_run_again(table: CountingTable) -> None:
    hub = TaskHub([in_hub("r-1", end_of(ErrorCode.JOB_FAILED, "Failed"))])
    assert (await started(hub)).run_id == "r-1.2"
    assert (await found(table)).reruns == ("r-1.2",)


async def test_a_rerun_that_was_not_started_is_started_by_the_same_call_later(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    hub.failing.add("POST")
    with pytest.raises(RunError, match=r"it did not start r-1\.2"):
        await started(hub)
    hub.failing.clear()
    rerun = await started(hub)
    assert rerun.existing
    assert rerun.run_id == "r-1.2"
    assert hub.started == ["r-1.2"]


async def test_the_ledger_learns_of_reruns_again_after_its_loss(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    await started(hub)
    await ends(hub, table, "r-1.2")
    for run_id in ("r-1", "r-1.2"):
        await delete_run(table, await found(table, run_id))
    with hub.served() as client:
        await start_run(client, "r-1", RUN)
        again = Run.from_json(decoded_input(hub.instances["r-1.2"]["input"]))
        await start_run(client, "r-1.2", again)
        known = await find_run(client, "r-1")
    assert known
    assert known.view["reruns"] == ["r-1.2"]
    assert (await started(hub)).run_id == "r-1.3"


async def test_a_rerun_that_the_ledger_lost_is_the_answer_and_not_started_twice(table: CountingTable) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    await started(hub)
    for run_id in ("r-1", "r-1.2"):
        await delete_run(table, await found(table, run_id))
    rerun = await started(hub)
    assert rerun.existing
    assert rerun.run_id == "r-1.2"
    assert hub.started == ["r-1.2"]
    await ends(hub, table, "r-1.2")
    for run_id in ("r-1", "r-1.2"):
        await delete_run(table, await found(table, run_id))
    assert (await started(hub)).run_id == "r-1.3"


async def test_a_call_for_many_starts_nothing_beside_a_rerun_that_the_ledger_lost(
    table: CountingTable,
) -> None:
    hub = TaskHub([])
    await ends(hub, table)
    await started(hub)
    for run_id in ("r-1", "r-1.2"):
        await delete_run(table, await found(table, run_id))
    with hub.served() as client:
        with pytest.raises(RowChanged):
            await plan_rerun(client, "r-1")
        with pytest.raises(NotRunAgain, match=r"run again as r-1\.2"):
            await plan_rerun(client, "r-1")


async def test_a_rerun_whose_row_an_earlier_version_wrote_is_the_answer(table: CountingTable) -> None:
    """A host of 1.3 writes rows of runs without what it does not know."""
    hub = TaskHub([])
    await ends(hub, table)
    await started(hub)
    row = await found(table, "r-1.2")
    await table.write(Replace(row.key, replace(row, first_run="").values(), row.etag))
    rerun = await started(hub)
    assert rerun.existing
    assert rerun.run_id == "r-1.2"


async def test_the_start_of_any_other_run_costs_what_it_did(table: CountingTable) -> None:
    hub = TaskHub([])
    with hub.served() as client:
        await start_run(client, "r-9", RUN)
    assert (table.reads, table.queries, table.writes) == (0, 0, 1)
