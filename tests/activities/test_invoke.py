"""When a job may be submitted, and when there is none."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from activities import invoke
from batch.azure_ml import rest
from batch.azure_ml.job import JobResource
from batch.azure_ml.rest import HttpError
from batch.errors import ErrorCode, RunError
from batch.run.search_result import SearchAgain, Undecided
from batch.run.state import Run
from batch.run.steps import Invoke, Invoked, InvokeMode
from batch.run.submission import CLAIM_LIFETIME, Submission
from batch.timestamps import format_timestamp
from ledger.run_row import RunRow
from ledger.runs import new_row
from task_hub.submissions import Claimed
from tests.batch.azure_ml.jobs import endpoint_job
from tests.batch.builders import START, request, settings

ATTEMPT = "0" * 32
CLAIM = Claimed(ATTEMPT, Submission().claim(ATTEMPT, format_timestamp(START), None))


class SlowIdentity:
    """The clock of the test, and an identity service that takes ``seconds`` for the first token."""

    def __init__(self, seconds: float) -> None:
        self.time = START
        self._pauses = [timedelta(seconds=seconds)]

    def now(self, zone: object) -> datetime:
        return self.time

    def bearer_token(self, audience: str) -> str:
        self.time += self._pauses.pop() if self._pauses else timedelta(0)
        return "a-token"


@pytest.mark.parametrize(("left", "is_sent"), [(1, True), (0, False)])
def test_a_token_that_comes_late_uses_up_the_claim(
    left: int, is_sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, sent = settings(), []
    lifetime = CLAIM_LIFETIME * app.submission_settle.total_seconds()
    identity = SlowIdentity(lifetime - left)
    monkeypatch.setattr(invoke, "datetime", identity)
    monkeypatch.setattr(invoke, "bearer_token", identity.bearer_token)
    monkeypatch.setattr(rest, "bearer_token", identity.bearer_token)
    monkeypatch.setattr(invoke, "app_settings", lambda: app)

    def send(*_: Any, **__: Any) -> None:
        sent.append(identity.time)
        raise OSError("It is down.")

    monkeypatch.setattr(rest, "send", send)
    with pytest.raises(RunError) as error:
        invoke._post_in_time("r-1", request(), CLAIM)
    assert bool(sent) is is_sent
    assert ("claim took too long" in error.value.message) is not is_sent


JOB = JobResource.parse(endpoint_job(status="Running"))
ROW = replace(new_row("r-1", Run(request=request()), START), submission=CLAIM.submission, job=JOB.name)
BUSY = HttpError(503, ErrorCode.SERVICE_UNAVAILABLE, "It is busy.")
GONE = HttpError(404, ErrorCode.NOT_FOUND, "Not here.")
NO_WORKSPACE = Undecided("and no workspace is known", SearchAgain.NEVER)


async def find(
    monkeypatch: pytest.MonkeyPatch,
    found: Undecided | None,
    job: JobResource | RunError,
    row: RunRow = ROW,
    earlier_jobs: tuple[str, ...] = (),
) -> Invoked:
    """``found`` is the result of the search, ``job`` what the endpoint says of the job in the row."""

    async def search(*_: Any) -> Undecided | None:
        return found

    def read(endpoint_uri: str, job_name: str, app: object) -> JobResource:
        assert job_name == JOB.name
        if isinstance(job, RunError):
            raise job
        return job

    monkeypatch.setattr(invoke, "find_job", search)
    monkeypatch.setattr(invoke, "read_job", read)
    monkeypatch.setattr(invoke, "app_settings", settings)
    monkeypatch.setattr(invoke, "ledger_of", lambda client: None)
    client: Any = None
    asked = Invoke(
        run_id="r-1", request=request(), purpose=InvokeMode.SUBMIT, job_attempt=2, earlier_jobs=earlier_jobs
    )
    return await invoke._find(row, asked, client)


@pytest.mark.parametrize("found", [None, NO_WORKSPACE])
async def test_a_job_that_the_row_names_needs_no_list(
    found: Undecided | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await find(monkeypatch, found, JOB)).job == JOB.of_run()


@pytest.mark.parametrize("found", [None, NO_WORKSPACE])
async def test_a_job_that_the_row_names_is_not_given_up_because_it_cannot_be_read(
    found: Undecided | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RunError, match=f"{JOB.name} belongs to the run, but cannot be read") as error:
        await find(monkeypatch, found, BUSY)
    assert (error.value.code, error.value.retryable) == (ErrorCode.SUBMISSION_UNCERTAIN, True)


async def test_a_job_that_the_endpoint_does_not_know_leaves_the_decision_to_the_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (await find(monkeypatch, None, GONE)).absent
    assert (await find(monkeypatch, None, BUSY, replace(ROW, job=""))).absent


async def test_a_job_that_has_failed_is_not_taken_for_the_next_one_though_the_row_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (await find(monkeypatch, None, JOB, earlier_jobs=(JOB.name,))).absent
