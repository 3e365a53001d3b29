"""What goes from the orchestrators to their activities, and what comes back.

An activity answers with an ``error`` if the run decides what to do about it. An exception of an activity crosses the
task hub as plain text; the orchestrator turns it into an answer with ``crashed``.
"""

from enum import StrEnum
from typing import Any, NotRequired, Self

from pydantic import Field, ValidationError

# Pydantic reads the standard library's TypedDict from Python 3.12 on.
from typing_extensions import TypedDict

from batch.errors import RunError
from batch.run.request import RunRequest
from batch.run.source import DataSource
from batch.stored import Stored
from batch.timestamps import Time


class JobReason(Stored):
    """Why Azure ML says that a job failed, from its run history: the first line of the error, redacted.

    ``code`` is Azure ML's own, ``step`` the name of the job's step that failed. Each is None where it is not told.
    """

    message: str
    code: str | None = None
    step: str | None = None


class Failure(Stored):
    """Why a step or a run failed. ``retry_after``: the seconds that the service asks us to wait.

    ``code`` is an ErrorCode, or one that only another version of the app knows. ``reason`` is what Azure ML says of a
    job that failed.
    """

    code: str
    message: str
    retryable: bool = False
    retry_after: float | None = None
    reason: JobReason | None = None

    @classmethod
    def of(cls, error: RunError) -> Self:
        return cls(
            code=error.code.value,
            message=error.message,
            retryable=error.retryable,
            retry_after=error.retry_after,
        )


class Answer(Stored):
    """``crashed``: the activity raised an exception instead of answering; ``error`` says which."""

    error: Failure | None = None
    crashed: bool = False

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Raises ValueError, which quotes nothing of the answer, if the answer does not say what happened."""
        try:
            answer = super().from_json(value)
        except ValidationError:
            answer = None
        if answer is None or answer.is_empty():
            raise ValueError("the answer has a form that this version does not know")
        return answer

    def is_empty(self) -> bool:
        return self == type(self)()

    @classmethod
    def failed(cls, error: RunError) -> Self:
        return cls(error=Failure.of(error))


class IdentityView(TypedDict):
    """The identity with which the app calls the endpoint; each id as far as the token states it."""

    client_id: NotRequired[str]
    object_id: NotRequired[str]
    tenant_id: NotRequired[str]
    token_expires_at: NotRequired[Time]


class Authorized(Answer):
    """The answer of ``authorize``."""

    identity: IdentityView | None = None


class InvokeMode(StrEnum):
    """What ``invoke`` may do."""

    SUBMIT = "submit"
    FIND = "find"
    """The deadline has passed: a job that exists is adopted, none is submitted."""
    CHECK_FOR_CANCEL = "notice_cancel"
    """A nudge came before the next try is due."""


class Invoke(Stored):
    """The input of ``invoke``.

    ``job_attempt`` counts the jobs of the run from 1; ``request`` is that of this job. ``earlier_jobs`` are the names
    of those before it.
    """

    run_id: str
    request: RunRequest
    purpose: InvokeMode
    job_attempt: int = 1
    earlier_jobs: tuple[str, ...] = ()


class Job(Stored):
    """The Azure ML job of a run; ``status`` is in Azure ML's words."""

    name: str
    status: str
    workspace_id: str | None = None
    studio_url: str | None = None


class Invoked(Answer):
    """The answer of ``invoke``: the job, or why there is none.

    ``canceled``: the run was canceled before a job was submitted. ``absent``: there is provably no job, and none
    was to be submitted; ``error`` is then why earlier submissions created none. ``unchanged``: nobody asked to
    cancel. ``resolved_inputs``: by the names of inputs, what their labels and versions stood for.
    """

    job: Job | None = None
    resolved_inputs: dict[str, str] = Field(default_factory=dict)
    canceled: bool = False
    absent: bool = False
    unchanged: bool = False


class CheckStatus(Stored):
    """The input of ``check_status``."""

    run_id: str
    endpoint_uri: str
    job_name: str


class Checked(Answer):
    """The answer of ``check_status``: the job's status in Azure ML's words, and whether somebody asked to cancel."""

    status: str | None = None
    cancel_requested: bool = False

    def is_empty(self) -> bool:
        return self.status is None and self.error is None


class CancelJob(Stored):
    """The input of ``cancel_job``. Without ``workspace_id`` it is the workspace of the app's settings.

    Runs in flight from a version without a ledger have no ``run_id`` here.
    """

    run_id: str | None = None
    job_name: str
    workspace_id: str | None


class CancelAnswered(Answer):
    """The answer of ``cancel_job``: Azure ML accepted the request, or why not."""

    accepted: bool = False


class ExplainJob(Stored):
    """The input of ``explain_job``."""

    run_id: str
    endpoint_uri: str
    job_name: str


class Explained(Answer):
    """The answer of ``explain_job``: why the job failed. ``nothing_known``: Azure ML did not tell it in time."""

    reason: JobReason | None = None
    nothing_known: bool = False


class LocateOutputs(Stored):
    """The input of ``locate_outputs``: output URIs by name. ``workspace_id`` is that of the job, if it is known."""

    run_id: str
    workspace_id: str | None
    outputs: dict[str, str]


class OutputLinks(TypedDict):
    """Where people and tools find an output. Neither holds a credential."""

    storage_url: NotRequired[str]
    portal_url: NotRequired[str]


class OutputsLocated(Answer):
    """The answer of ``locate_outputs``, by the names of outputs; an output that could not be located is missing."""

    links: dict[str, OutputLinks] = Field(default_factory=dict)
    nothing_known: bool = False


class RecordEnd(Stored):
    """The input of ``record_end``; ``status`` is the RunStatus of the run that ended."""

    run_id: str
    status: dict[str, Any]


class EndRecorded(Answer):
    """The answer of ``record_end``. The run ends whatever it says."""

    recorded: bool = False


class StartRun(Stored):
    """The input of ``start_run``: a run with everything that it is started with."""

    run_id: str
    request: RunRequest
    source: DataSource


class Started(Stored):
    """The answer of ``start_run``."""

    run_id: str


class IgnoreUpload(Stored):
    """The input of ``ignore_upload``. ``blob`` is the path within the container; ``reason`` is one word."""

    container: str
    blob: str
    reason: str


class UploadIgnored(Stored):
    """The answer of ``ignore_upload``: the reason that it was given."""

    ignored: str
