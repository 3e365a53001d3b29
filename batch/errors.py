"""What can go wrong in a run, in the words shown to the person who must act.

    Exception
    ├── SettingsError          the app's own settings are wrong; nothing can run
    ├── InvalidRequest         the caller's request is wrong (HTTP 400), with every reason
    ├── RunError               a step of a run failed; ``code`` says how, ``retryable`` whether to try again
    │   ├── rest.NotSent       the request provably never reached the service
    │   ├── rest.AnswerLost    the request was sent, and its answer is unknown
    │   └── rest.HttpError     the service answered with an error
    ├── ActivityFailed         an activity raised an exception instead of answering
    ├── RunFailed              raised by an orchestrator whose run did not complete
    └── WindowFailed           raised by an orchestrator that could not start the run of a folder

A RunError does not cross the task hub as an exception, which would arrive as plain text. The activity returns it
as the ``error`` of its answer (``batch/run/steps.py``), and the orchestrator decides by its fields.
"""

from dataclasses import dataclass
from enum import StrEnum

from batch.redaction import redact

MAX_MESSAGE_LENGTH = 1_000
"""Characters. Custom status is limited to 16 KB of UTF-16, and messages may quote a service."""


class ErrorCode(StrEnum):
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - an error code
    TOKEN_UNAVAILABLE = "token_unavailable"  # noqa: S105 - an error code
    ACCESS_DENIED = "access_denied"
    NOT_FOUND = "not_found"
    WORKSPACE_NOT_FOUND = "workspace_not_found"
    REQUEST_REJECTED = "request_rejected"
    SERVICE_UNAVAILABLE = "service_unavailable"
    SUBMISSION_UNCERTAIN = "submission_uncertain"
    JOB_FAILED = "job_failed"
    JOB_CANCELED = "job_canceled"
    TIMED_OUT = "timed_out"
    QUEUE_TIMED_OUT = "queue_timed_out"
    INTERNAL = "internal"


KNOWN_CODES = frozenset(ErrorCode)
"""What another version of the app wrote may have a code besides these."""

TRANSIENT_CODES = frozenset(
    {ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.SUBMISSION_UNCERTAIN, ErrorCode.TOKEN_UNAVAILABLE}
)
"""Failures that pass by themselves. While they are retryable, a run retries until its timeouts end it."""


class SettingsError(Exception):
    """An app setting is missing or wrong; the message names it."""


@dataclass(frozen=True, slots=True)
class FieldError:
    field: str
    message: str


class InvalidRequest(Exception):
    """The request is wrong in each of ``errors``. Messages never repeat the value, which may be a secret."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = errors


class RunError(Exception):
    """A step of a run failed. The message says what happened; ``batch/advice.py`` says what to do.

    ``retry_after`` is the number of seconds that the service asks us to wait, or None.
    """

    def __init__(
        self, code: ErrorCode, message: str, *, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        self.message = shorten(redact(message))
        super().__init__(self.message)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after


class ActivityFailed(Exception):
    """An activity raised an exception instead of answering; the text names it."""


class RunFailed(Exception):
    """The run did not complete; the text is that of ``reason.reason_text``."""


class WindowFailed(Exception):
    """The run of a folder could not be started; the text is that of ``reason.reason_text``."""


def shorten(text: str, limit: int = MAX_MESSAGE_LENGTH) -> str:
    """One line of at most ``limit`` characters, all of them printable."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
