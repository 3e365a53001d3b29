"""Which of the listed jobs a search takes, and what it reports if it cannot decide.

Searches of real lists: the end-to-end tests.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from batch.addresses import WorkspaceId
from batch.azure_ml import known_jobs
from batch.azure_ml.endpoint import ATTEMPT_TAG, RUN_ID_TAG
from batch.azure_ml.job import JobResource
from batch.azure_ml.job_search import MAX_FAILED_LOOKS, Owners, find_job
from batch.azure_ml.rest import AnswerLost, HttpError
from batch.azure_ml.workspace_jobs import JobList, Unreadable
from batch.errors import ErrorCode, RunError
from batch.run.request import RunRequest
from batch.run.search_result import SearchAgain, Undecided
from batch.run.steps import Invoke, InvokeMode
from batch.run.submission import Submission
from batch.settings import Settings
from batch.timestamps import format_timestamp
from tests.batch.azure_ml.jobs import arm_job, endpoint_job
from tests.batch.builders import INPUT_URI, START, WORKSPACE_ID, after, request, settings

SUBMISSION = Submission().claim("a", format_timestamp(START), None)
IN_WORKSPACE = settings(AZURE_ML_WORKSPACE_ID=WORKSPACE_ID)
OUR_TAGS = {RUN_ID_TAG: "r-1", ATTEMPT_TAG: "a"}
OURS = "azureml://datastores/lake/paths/out/r-1.csv"
OF_ANOTHER = "azureml://datastores/lake/paths/out/r-2.csv"
BUSY = HttpError(503, ErrorCode.SERVICE_UNAVAILABLE, "It is busy.", retry_after=7)


@dataclass
class Workspace:
    """``jobs`` are what the endpoint shows, or raises. ``owners`` is the ledger. ``read`` names the jobs in order."""

    listed: list[JobResource] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    jobs: dict[str, JobResource | RunError] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    list_fails: RunError | None = None
    ledger_fails: RunError | None = None
    read: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    since: list[datetime] = field(default_factory=list)

    def add(self, name: str, seconds: float, outputs: str | RunError | None = None, **fields: Any) -> None:
        """A job created so long after START; the endpoint has no such job if ``outputs`` is None."""
        created_at = format_timestamp(after(seconds))
        listed = arm_job(created_at=created_at, **fields)
        self.listed.append(JobResource.parse({**listed, "id": f"{WORKSPACE_ID}/jobs/{name}", "name": name}))
        if isinstance(outputs, str):
            self.jobs[name] = shown(name, outputs)
        elif outputs:
            self.jobs[name] = outputs

    def jobs_since(self, since: datetime, workspace_id: WorkspaceId, settings: Settings) -> JobList:
        self.since.append(since)
        if self.list_fails:
            raise self.list_fails
        return JobList(tuple(self.listed), tuple(self.unreadable)).since(since)

    def read_job(self, endpoint_uri: str, job_name: str, settings: Settings) -> JobResource:
        self.read.append(job_name)
        job = self.jobs.get(job_name) or HttpError(404, ErrorCode.NOT_FOUND, "Not here.")
        if isinstance(job, RunError):
            raise job
        return job

    async def find_owner(self, job_name: str) -> str | None:
        self.asked.append(job_name)
        if self.ledger_fails:
            raise self.ledger_fails
        return self.owners.get(job_name)

    async def search(
        self,
        run_id: str = "r-1",
        asked: RunRequest | None = None,
        app: Settings = IN_WORKSPACE,
        submission: Submission = SUBMISSION,
        earlier_jobs: tuple[str, ...] = (),
    ) -> JobResource | Undecided | None:
        async def own(job_name: str) -> bool:
            return self.owners.setdefault(job_name, run_id) == run_id

        owners = Owners(find=self.find_owner, own=own)
        invoke = Invoke(
            run_id=run_id,
            request=asked or request(),
            purpose=InvokeMode.SUBMIT,
            job_attempt=submission.job_attempt,
            earlier_jobs=earlier_jobs,
        )
        return await find_job(invoke, submission, app, owners)

    async def found(self, **options: Any) -> str:
        job = await self.search(**options)
        assert isinstance(job, JobResource), job
        return job.name

    async def undecided(self, **options: Any) -> Undecided:
        undecided = await self.search(**options)
        assert isinstance(undecided, Undecided), undecided
        return undecided


def shown(name: str, output: str, *, uri: str = INPUT_URI) -> JobResource:
    """A job as the endpoint shows it; one without output if ``output`` is empty."""
    outputs = {"outputData": {"o": {"uri": output}}} if output else {}
    return JobResource.parse(
        endpoint_job(job_id=f"{WORKSPACE_ID}/jobs/{name}", inputData={"i": {"uri": uri}}, **outputs)
    )


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    workspace = Workspace()
    monkeypatch.setattr(known_jobs, "jobs_since", workspace.jobs_since)
    monkeypatch.setattr(known_jobs, "read_job", workspace.read_job)
    known_jobs.known_jobs.cache_clear()
    yield workspace
    known_jobs.known_jobs.cache_clear()


@pytest.mark.parametrize("experiment", ["scores", "Scores", "nightly", "whatever"])
async def test_our_tag_counts_in_any_experiment(experiment: str, workspace: Workspace) -> None:
    workspace.add("batchjob-7", 5, experimentName=experiment, tags=OUR_TAGS)
    assert await workspace.found(asked=request(experiment="nightly")) == "batchjob-7"
    assert workspace.read == []
    assert workspace.owners == {"batchjob-7": "r-1"}


@pytest.mark.parametrize(
    ("listed", "is_read"),
    [("scores", True), ("SCORES", True), ("Nightly", True), ("other", False), (None, True), (7, True)],
)
async def test_a_job_without_our_tag_is_read_if_its_experiment_is_possible(
    listed: object, is_read: bool, workspace: Workspace
) -> None:
    workspace.add("batchjob-7", 5, experimentName=listed)
    assert await workspace.search(asked=request(experiment="nightly")) is None
    assert workspace.read == (["batchjob-7"] if is_read else [])


async def test_on_a_host_that_names_no_endpoint_every_experiment_is_possible(workspace: Workspace) -> None:
    workspace.add("batchjob-7", 5, experimentName="whatever")
    elsewhere = "https://scores.example.com/jobs"
    app = settings(AZURE_ML_WORKSPACE_ID=WORKSPACE_ID, ALLOWED_ENDPOINT_ORIGINS="https://scores.example.com")
    assert await workspace.search(asked=request(endpoint_uri=elsewhere), app=app) is None
    assert workspace.read == ["batchjob-7"]


async def test_of_several_jobs_from_one_request_the_first_is_taken_and_the_others_are_named(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    for name, seconds in {"batchjob-3": 32, "batchjob-1": 30, "batchjob-2": 31}.items():
        workspace.add(name, seconds, tags=OUR_TAGS)
    assert await workspace.found() == "batchjob-1"
    [line] = [record.getMessage() for record in caplog.records]
    assert line == 'jobs_beside run=r-1 job=batchjob-1 others="batchjob-2, batchjob-3"'


async def test_a_job_that_is_tagged_for_another_run_is_not_read(workspace: Workspace) -> None:
    workspace.add("batchjob-1", 5, OURS, tags={RUN_ID_TAG: "r-2"})
    assert await workspace.search() is None
    assert (workspace.read, workspace.asked) == ([], [])


async def test_jobs_are_read_in_order_of_creation_until_the_own_one_is_found(workspace: Workspace) -> None:
    workspace.add("batchjob-3", 30, OF_ANOTHER)
    workspace.add("batchjob-2", 20, OURS)
    workspace.add("batchjob-1", 10, OF_ANOTHER)
    assert await workspace.found() == "batchjob-2"
    assert workspace.read == ["batchjob-1", "batchjob-2"]


async def test_a_found_job_has_the_status_of_the_list(workspace: Workspace) -> None:
    workspace.add("batchjob-1", 10, OURS, status="Running")
    job = await workspace.search()
    assert isinstance(job, JobResource)
    assert job.status == "Running"


async def test_a_job_that_the_ledger_gives_to_another_run_is_not_read(workspace: Workspace) -> None:
    workspace.add("batchjob-1", 10, OURS)
    workspace.add("batchjob-2", 20, OURS)
    workspace.owners["batchjob-1"] = "r-2"
    assert await workspace.found() == "batchjob-2"
    assert workspace.read == ["batchjob-2"]


async def test_a_job_that_the_ledger_gives_to_this_run_needs_no_look(workspace: Workspace) -> None:
    workspace.add("batchjob-1", 10, BUSY)
    workspace.owners["batchjob-1"] = "r-1"
    assert await workspace.found() == "batchjob-1"
    assert workspace.read == []


async def test_what_another_run_was_faster_to_own_is_passed_over(workspace: Workspace) -> None:
    workspace.add("batchjob-1", 10, OURS)
    assert await workspace.found() == "batchjob-1"
    workspace.owners["batchjob-1"] = "r-2"
    assert await workspace.search() is None


async def test_a_job_that_cannot_be_read_counts_only_if_the_own_one_is_not_found(
    workspace: Workspace,
) -> None:
    workspace.add("batchjob-1", 10, BUSY)
    workspace.add("batchjob-2", 20, OURS)
    assert await workspace.found() == "batchjob-2"
    del workspace.listed[1]
    undecided = await workspace.undecided()
    assert undecided.reason == "and 1 of the listed jobs could not be read: It is busy."
    assert (undecided.again, undecided.retry_after) == (SearchAgain.UNTIL_TIMEOUT, 7)


async def test_a_refused_read_is_repeated_for_a_while_only(workspace: Workspace) -> None:
    workspace.add("batchjob-1", 10, HttpError(403, ErrorCode.ACCESS_DENIED, "No."))
    assert (await workspace.undecided()).again is SearchAgain.FOR_A_WHILE


async def test_of_several_reasons_one_that_passes_decides(workspace: Workspace) -> None:
    workspace.add("batchjob-1", 10, HttpError(403, ErrorCode.ACCESS_DENIED, "No."))
    workspace.add("batchjob-2", 20, BUSY)
    undecided = await workspace.undecided()
    assert undecided.reason == "and 2 of the listed jobs could not be read: It is busy."
    assert undecided.again is SearchAgain.UNTIL_TIMEOUT


async def test_an_endpoint_that_fails_again_and_again_is_left_alone(workspace: Workspace) -> None:
    for number in range(1, 11):
        workspace.add(f"batchjob-{number}", number, BUSY)
    undecided = await workspace.undecided()
    assert "and 10 of the listed jobs could not be read" in undecided.reason
    assert len(workspace.read) == MAX_FAILED_LOOKS


async def test_now_and_then_a_failed_read_stops_no_search(workspace: Workspace) -> None:
    for number in range(1, 11):
        workspace.add(f"batchjob-{number}", number, BUSY if number % 2 else OF_ANOTHER)
    workspace.add("batchjob-11", 11, OURS)
    assert await workspace.found() == "batchjob-11"


@pytest.mark.parametrize("broken", [BUSY, HttpError(403, ErrorCode.ACCESS_DENIED, "No.")])
async def test_jobs_that_can_never_be_read_do_not_hide_the_own_one(
    broken: RunError, workspace: Workspace
) -> None:
    for number in range(1, 8):
        workspace.add(f"batchjob-{number}", number, broken)
    await workspace.undecided()
    await workspace.undecided()
    # The first look at the own job failed, too.
    workspace.jobs["batchjob-4"] = shown("batchjob-4", OURS)
    await workspace.undecided()
    assert await workspace.found() == "batchjob-4"
    # Jobs without a look come first, then those whose last look is the oldest.
    assert workspace.read == [f"batchjob-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4)]


async def test_what_was_learnt_in_one_try_is_kept_for_the_next(workspace: Workspace) -> None:
    workspace.add("batchjob-1", 10, OF_ANOTHER)
    workspace.add("batchjob-2", 20, BUSY)
    workspace.add("batchjob-3", 30, OURS)
    workspace.owners["batchjob-3"] = "r-3"
    await workspace.undecided()
    workspace.jobs["batchjob-2"] = shown("batchjob-2", OURS)
    assert await workspace.found() == "batchjob-2"
    assert workspace.read == ["batchjob-1", "batchjob-2", "batchjob-2"]
    assert workspace.asked == ["batchjob-1", "batchjob-2", "batchjob-3", "batchjob-2"]


async def test_what_another_endpoint_shows_is_not_taken_for_this_one(workspace: Workspace) -> None:
    workspace.add("batchjob-1", 10, OF_ANOTHER, experimentName=None)
    elsewhere = request(endpoint_uri="https://other.westeurope.inference.ml.azure.com/jobs")
    app = settings(
        AZURE_ML_WORKSPACE_ID=WORKSPACE_ID,
        ALLOWED_ENDPOINT_ORIGINS="https://other.westeurope.inference.ml.azure.com",
    )
    assert await workspace.search(app=app) is None
    assert await workspace.search(asked=elsewhere, app=app) is None
    assert workspace.read == ["batchjob-1", "batchjob-1"]


async def test_a_young_job_that_the_endpoint_does_not_know_is_read_again(workspace: Workspace) -> None:
    now = datetime.now(START.tzinfo)
    submission = Submission().claim("a", format_timestamp(now), None)
    workspace.add("batchjob-1", (now - START).total_seconds())
    assert await workspace.search(submission=submission) is None
    workspace.jobs["batchjob-1"] = shown("batchjob-1", OURS)
    assert await workspace.found(submission=submission) == "batchjob-1"


async def test_an_older_job_that_the_endpoint_does_not_know_is_of_another_for_ever(
    workspace: Workspace,
) -> None:
    workspace.add("batchjob-1", 10)
    assert await workspace.search() is None
    assert await workspace.search() is None
    assert workspace.read == ["batchjob-1"]


async def test_an_answer_without_any_data_is_not_remembered(workspace: Workspace) -> None:
    workspace.add("batchjob-1", 10)
    workspace.jobs["batchjob-1"] = JobResource.parse(endpoint_job(inputData=None))
    assert "look alike: batchjob-1" in (await workspace.undecided()).reason
    workspace.jobs["batchjob-1"] = shown("batchjob-1", OURS)
    assert await workspace.found() == "batchjob-1"


async def test_a_job_without_output_is_of_another_if_the_run_has_one(workspace: Workspace) -> None:
    workspace.add("batchjob-1", 10, "")
    assert await workspace.search() is None


async def test_jobs_that_look_alike_are_named_until_they_have_an_owner(workspace: Workspace) -> None:
    without_output = request(outputs={})
    workspace.add("batchjob-1", 10, "")
    workspace.add("batchjob-2", 20, "")
    undecided = await workspace.undecided(asked=without_output)
    assert undecided.reason == "it may be one of these jobs, which look alike: batchjob-1, batchjob-2"
    assert undecided.again is SearchAgain.FOR_A_WHILE
    workspace.owners["batchjob-1"] = "r-2"
    assert "which look alike: batchjob-2" in (await workspace.undecided(asked=without_output)).reason
    workspace.owners["batchjob-2"] = "r-1"
    assert await workspace.found(asked=without_output) == "batchjob-2"
    assert workspace.read == ["batchjob-1", "batchjob-2"]


async def test_an_entry_that_cannot_be_read_counts_only_if_the_own_job_is_not_found(
    workspace: Workspace,
) -> None:
    workspace.unreadable = [Unreadable("an entry is not a job", after(5), "scores")]
    workspace.add("batchjob-1", 10, OURS)
    assert await workspace.found() == "batchjob-1"
    workspace.listed.clear()
    undecided = await workspace.undecided()
    assert undecided.reason == "and 1 of the listed jobs could not be read: an entry is not a job"
    assert undecided.again is SearchAgain.FOR_A_WHILE


@pytest.mark.parametrize(
    ("created", "experiment", "counts"),
    [(5, "scores", True), (None, None, True), (-31, "scores", False), (5, "another", False)],
)
async def test_an_entry_counts_only_if_it_may_be_the_own_job(
    created: float | None, experiment: str | None, counts: bool, workspace: Workspace
) -> None:
    created_at = None if created is None else after(created)
    workspace.unreadable = [Unreadable("an entry is not a job", created_at, experiment)]
    assert isinstance(await workspace.search(), Undecided) == counts


async def test_without_a_workspace_in_the_settings_the_submission_stays_uncertain(
    workspace: Workspace,
) -> None:
    undecided = await workspace.undecided(app=settings())
    assert "AZURE_ML_WORKSPACE_ID" in undecided.reason
    assert undecided.again is SearchAgain.NEVER


def _user_error() -> HttpError:
    error = HttpError(502, ErrorCode.SERVICE_UNAVAILABLE, "Too many.")
    error.is_user_error = True
    return error


@pytest.mark.parametrize(
    ("failure", "again", "retry_after"),
    [
        (
            HttpError(429, ErrorCode.SERVICE_UNAVAILABLE, "Too many.", retry_after=17),
            SearchAgain.UNTIL_TIMEOUT,
            17,
        ),
        (HttpError(408, ErrorCode.SERVICE_UNAVAILABLE, "Too many."), SearchAgain.UNTIL_TIMEOUT, None),
        (HttpError(503, ErrorCode.SERVICE_UNAVAILABLE, "Too many."), SearchAgain.UNTIL_TIMEOUT, None),
        (AnswerLost("Too many."), SearchAgain.UNTIL_TIMEOUT, None),
        (
            RunError(ErrorCode.TOKEN_UNAVAILABLE, "Too many.", retryable=True),
            SearchAgain.UNTIL_TIMEOUT,
            None,
        ),
        (_user_error(), SearchAgain.FOR_A_WHILE, None),
        (HttpError(403, ErrorCode.ACCESS_DENIED, "Too many."), SearchAgain.FOR_A_WHILE, None),
        (HttpError(302, ErrorCode.REQUEST_REJECTED, "Too many."), SearchAgain.FOR_A_WHILE, None),
        (RunError(ErrorCode.TOKEN_REFUSED, "Too many."), SearchAgain.FOR_A_WHILE, None),
    ],
)
async def test_how_long_a_search_without_a_list_is_repeated(
    failure: RunError, again: SearchAgain, retry_after: float | None, workspace: Workspace
) -> None:
    workspace.list_fails = failure
    assert await workspace.undecided() == Undecided(
        "and the search for it failed: Too many.", again, retry_after
    )


async def test_without_the_ledger_nothing_is_decided_nor_read(workspace: Workspace) -> None:
    workspace.add("batchjob-1", 10, OURS)
    workspace.ledger_fails = RunError(ErrorCode.SERVICE_UNAVAILABLE, "No ledger.", retryable=True)
    undecided = await workspace.undecided()
    assert "No ledger." in undecided.reason
    assert undecided.again is SearchAgain.UNTIL_TIMEOUT
    assert workspace.read == []


async def test_the_search_begins_a_little_before_the_claim_because_clocks_differ(
    workspace: Workspace,
) -> None:
    workspace.add("batchjob-1", -31, OURS)
    assert await workspace.search() is None
    workspace.add("batchjob-2", -30, OURS)
    assert await workspace.found() == "batchjob-2"
    assert workspace.since == [after(-30)] * 2


async def test_many_searches_at_once_read_each_job_once(workspace: Workspace) -> None:
    runs = [f"r-{number}" for number in range(1, 41)]
    for number, run_id in enumerate(runs):
        workspace.add(f"healthy-{number}", number, OF_ANOTHER)
        workspace.owners[f"healthy-{number}"] = f"healthy-{number}"
        workspace.add(f"lost-{number}", number + 0.5, OURS.replace("r-1", run_id))
    found = await asyncio.gather(*(workspace.found(run_id=run_id, asked=_of(run_id)) for run_id in runs))
    assert found == [f"lost-{number}" for number in range(40)]
    assert sorted(workspace.read) == sorted(found)
    assert len(workspace.asked) == 80
    assert len(workspace.since) <= 2


def _of(run_id: str) -> RunRequest:
    asked = request()
    outputs = {
        name: each.model_copy(update={"uri": OURS.replace("r-1", run_id)})
        for name, each in asked.outputs.items()
    }
    return asked.model_copy(update={"outputs": outputs})


async def test_a_job_that_has_failed_is_not_found_for_the_next_one(workspace: Workspace) -> None:
    """Whether the service keeps its tags or not, and though the ledger gives it to this run."""
    workspace.add("batchjob-1", 5, tags={RUN_ID_TAG: "r-1"})
    workspace.add("batchjob-2", 6, outputs=OURS)
    workspace.owners.update({"batchjob-1": "r-1", "batchjob-2": "r-1"})
    assert await workspace.search(earlier_jobs=("batchjob-1", "batchjob-2")) is None
    workspace.add("batchjob-3", 7, outputs=OURS)
    assert await workspace.found(earlier_jobs=("batchjob-1", "batchjob-2")) == "batchjob-3"
    assert await workspace.found() == "batchjob-1"
