"""Runs in every state that answers of the activities can cause, for property tests."""

from datetime import datetime, timedelta

from hypothesis import strategies as st

from batch.errors import ErrorCode
from batch.run.request import RunRequest
from batch.run.state import CancelCause, Cancellation, EarlierJob, Run
from batch.run.steps import Failure, Job
from tests.batch.builders import START, STUDIO_URL, WORKSPACE_ID, doubt_after, request

STATUSES = (
    *("NotStarted", "Queued", "Preparing", "Provisioning", "Starting", "Running", "Finalizing"),
    *("CancelRequested", "Completed", "Failed", "Canceled", "NotResponding", "Paused", "Unknown", "Dreaming"),
)
ENDED = ("Completed", "Failed", "Canceled")

moments = st.integers(0, 2 * 10**8).map(lambda passed: START + timedelta(milliseconds=passed))
statuses = st.sampled_from(STATUSES)
failures = st.builds(
    Failure,
    code=st.sampled_from(ErrorCode),
    message=st.sampled_from(["It went wrong.", "ü“\U0001f600"]),
    retryable=st.booleans(),
    retry_after=st.none() | st.floats(0, 3_600),
)
cancellations = st.builds(
    Cancellation,
    cause=st.sampled_from(CancelCause),
    requested_at=moments,
    accepted=st.booleans(),
    attempts=st.integers(0, 40),
    last_refusal=st.none() | st.just("It was refused."),
    gives_up_at=st.none() | moments,
)
requests: st.SearchStrategy[RunRequest] = st.builds(
    request,
    deployment=st.none() | st.just("blue"),
    poll_interval=st.integers(1, 86_400),
    queue_timeout=st.none() | st.integers(1, 100_000),
    timeout=st.integers(1, 100_000),
    on_timeout=st.sampled_from(["cancel", "leave"]),
    cancel_timeout=st.none() | st.integers(1, 100_000),
    job_attempts=st.integers(1, 5),
    retry_on=st.sampled_from([(), ("preemption",), ("preemption", "service")]),
)
jobs = st.builds(
    Job,
    name=st.just("batchjob-1"),
    status=statuses,
    workspace_id=st.none() | st.just(WORKSPACE_ID),
    studio_url=st.none() | st.just(STUDIO_URL),
)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """A run with failures has a problem, a run with a job its time of submission, a run that cancels a job.

    Without a job no step is due later than the deadline.
    """
    asked, problem = draw(requests), draw(st.none() | failures)
    job = draw(st.none() | jobs)
    earlier = draw(st.integers(0, asked.job_attempts - 1))
    lasting = draw(st.integers(0, 40)) if problem else 0
    identity = {"client_id": "c"} if job else draw(st.none() | st.just({"client_id": "c"}))
    due, deadline = draw(st.none() | moments), START + timedelta(seconds=asked.timeout)
    return Run(
        request=asked,
        started_at=START,
        identity=identity,
        job=job,
        submitted_at=draw(moments) if job else None,
        running_at=draw(st.none() | moments) if job else None,
        checks=draw(st.integers(0, 1_000)),
        last_check_at=draw(st.none() | moments) if job else None,
        failures=draw(st.integers(1, 40)) if problem else 0,
        lasting_failures=lasting,
        failing_since=draw(moments) if lasting else None,
        refused_since=draw(st.none() | moments) if problem and not job else None,
        step_due_at=due if job or due is None else min(due, deadline),
        problem=problem,
        problem_since=draw(st.none() | moments) if problem else None,
        submission=None if job else doubt_after(problem, has_identity=identity is not None),
        cancellation=draw(st.none() | cancellations) if job else None,
        canceled_before_submission=False if job else draw(st.booleans()),
        job_attempt=earlier + 1,
        earlier_jobs=tuple(EarlierJob(name=f"batchjob-0{number}") for number in range(earlier)),
    )


@st.composite
def runs_and_times(draw: st.DrawFn) -> tuple[Run, datetime]:
    return draw(runs()), draw(moments)
