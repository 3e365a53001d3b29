"""What the steps of a run tell the lists, and that no step waits for them."""

import pytest

from batch.errors import RunError
from batch.run.phases import Phase
from batch.run.status import RunStatus
from ledger.errors import LedgerUnavailable
from ledger.job_owners import owner_of
from ledger.run_row import RunList
from ledger.runs import note_phase
from ledger.submissions import change_submission
from task_hub.progress import note_canceling, note_end, note_job, note_job_status
from tests.batch.builders import ENDPOINT_URI
from tests.ledger.counting_table import CountingTable
from tests.ledger.runs import added, end, found, listed
from tests.task_hub.task_hub import TaskHub

# The SDK asks aiohttp for a workaround that newer Pythons do not need.
pytestmark = pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning")


def refuse_writes(table: CountingTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger answers reads alone, and nobody waits between two tries."""

    async def fail(*changes: object) -> None:
        raise LedgerUnavailable("it is busy")

    monkeypatch.setattr("ledger.retry._PAUSES", ())
    monkeypatch.setattr(table.table, "write", fail)


@pytest.mark.parametrize(
    ("known", "job_status", "phase"),
    [
        ("Pending", "Queued", "Queued"),
        ("Pending", "Running", "Running"),
        ("Pending", "Paused", "Queued"),
        ("Queued", "Preparing", "Queued"),
        ("Queued", "Running", "Running"),
        ("Running", "Finalizing", "Running"),
        ("Running", "Queued", "Running"),
        ("Running", "Unknown", "Running"),
        ("Running", "Completed", "Running"),
        ("Queued", "Failed", "Queued"),
        ("Canceling", "Running", "Canceling"),
        ("Canceling", "Canceled", "Canceling"),
    ],
)
async def test_the_phase_follows_the_status_of_the_job(
    table: CountingTable, known: str, job_status: str, phase: str
) -> None:
    await note_phase(table, await added(table), known)
    row = await found(table)
    table.writes = 0
    with TaskHub([]).served() as client:
        await note_job_status(client, row, job_status)
    assert table.writes == (0 if known == phase else 1)
    in_list = await listed(table, row, RunList.UNDER_WAY)
    assert in_list is not None
    assert ((await found(table)).phase, in_list.phase) == (phase, phase)


@pytest.mark.parametrize("known", ["Queued", "Running"])
async def test_a_run_that_is_to_be_canceled_is_canceling(table: CountingTable, known: str) -> None:
    row = await added(table)
    await note_phase(table, row, known)
    await change_submission(table, await found(table), lambda before: before.cancel())
    with TaskHub([]).served() as client:
        await note_job_status(client, await found(table), "Running")
    assert (await found(table)).phase == Phase.CANCELING


async def test_a_cancel_of_the_job_is_noted_once(table: CountingTable) -> None:
    await added(table)
    table.writes = 0
    with TaskHub([]).served() as client:
        await note_canceling(client, "r-1")
        await note_canceling(client, "r-1")
    assert (await found(table)).phase == Phase.CANCELING
    assert table.writes == 1


async def test_a_late_check_changes_nothing_of_an_ended_run(table: CountingTable) -> None:
    """Its row was read before the end."""
    early = await added(table)
    with TaskHub([]).served() as client:
        await note_end(client, "r-1", end("Completed").status)
        before = await listed(table, early)
        await note_job_status(client, early, "Running")
        await note_canceling(client, "r-1")
    assert await listed(table, early) == before
    assert (await found(table)).phase == "Completed"


@pytest.mark.parametrize(
    ("phase", "runtime_status"),
    [("Completed", "Completed"), ("Failed", "Failed"), ("Canceled", "Failed"), ("TimedOut", "Failed")],
)
async def test_the_last_step_writes_the_end(table: CountingTable, phase: str, runtime_status: str) -> None:
    row = await added(table)
    status = RunStatus(phase=phase, endpoint_uri=ENDPOINT_URI, ended_at="2026-01-31T12:01:00.000Z", checks=4)
    with TaskHub([]).served() as client:
        await note_end(client, "r-1", status)
        await note_end(client, "r-1", status.model_copy(update={"phase": "Failed", "checks": 5}))
    in_list = await listed(table, row)
    assert in_list is not None
    assert (in_list.phase, in_list.runtime_status, in_list.ended_at) == (
        phase,
        runtime_status,
        status.ended_at,
    )
    assert RunStatus.model_validate_json(in_list.status) == status
    assert await listed(table, row, RunList.UNDER_WAY) is None


async def test_a_check_goes_on_if_its_phase_cannot_be_noted(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    row = await added(table)
    refuse_writes(table, monkeypatch)
    with TaskHub([]).served() as client:
        await note_job_status(client, row, "Running")
        await note_canceling(client, "r-1")
    lines = [record.getMessage() for record in caplog.records if record.name == "task_hub.progress"]
    assert len(lines) == 2
    assert all(line.startswith("phase_not_noted run=r-1 reason=") for line in lines)


async def test_a_job_that_cannot_be_noted_has_no_phase_so_that_the_next_check_notes_it(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await added(table)
    with TaskHub([]).served() as client:
        with monkeypatch.context() as patch:
            refuse_writes(table, patch)
            assert await note_job(client, row, "batchjob-1") is None
        noted = await note_job(client, row, "batchjob-1")
    assert noted
    assert noted.phase == Phase.QUEUED
    assert await owner_of(table, "batchjob-1") == "r-1"


async def test_the_last_step_says_if_the_end_cannot_be_written(
    table: CountingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    await added(table)
    refuse_writes(table, monkeypatch)
    with TaskHub([]).served() as client, pytest.raises(RunError, match="ledger of runs is not available"):
        await note_end(client, "r-1", end("Completed").status)


async def test_a_cancel_of_the_job_goes_on_without_a_row(caplog: pytest.LogCaptureFixture) -> None:
    with TaskHub([]).served() as client:
        await note_canceling(client, "r-1")
    assert any("phase_not_noted run=r-1" in record.getMessage() for record in caplog.records)
