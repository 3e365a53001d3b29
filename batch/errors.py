"""What can go wrong in a run, in the words shown to the person who must act.

    Exception
    ├── SettingsError          the app's own settings are wrong; nothing can run
    ├── InvalidRequest         the caller's request is wrong (HTTP 400), with every reason
    ├── RunError               a step of a run failed; ``code`` says how, ``retryable`` whether to try again
    │   ├── rest.NotSent       the request surely never reached the service
    │   ├── rest.AnswerLost    the request was sent, and its answer is unknown
    │   └── rest.HttpError     the service answered with an error
    ├── ActivityFailed         an activity raised an exception instead of answering
    ├── RunFailed              how an orchestration says that its run did not complete
    └── WindowFailed           how an orchestration says that the run of a folder could not be started

Activities never let these cross the task hub as exceptions: there they would become plain text. They return
``RunError.to_json()`` under the key ``error``, and the orchestrator decides by its fields.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from batch.redaction import redact

MAX_MESSAGE_LENGTH = 1_000
"""Characters. Custom status is limited to 16 KB of UTF-16, and messages may quote a service."""


class ErrorCode(StrEnum):
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - an error code
    TOKEN_UNAVAILABLE = "token_unavailable"  # noqa: S105 - an error code
    ACCESS_DENIED = "access_denied"
    NOT_FOUND = "not_found"
    REQUEST_REJECTED = "request_rejected"
    SERVICE_UNAVAILABLE = "service_unavailable"
    SUBMISSION_UNCERTAIN = "submission_uncertain"
    JOB_FAILED = "job_failed"
    JOB_CANCELED = "job_canceled"
    TIMED_OUT = "timed_out"
    QUEUE_TIMED_OUT = "queue_timed_out"
    INTERNAL = "internal"


HEALS_WITH_TIME = frozenset({ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.SUBMISSION_UNCERTAIN})
"""What a run outwaits, as long as its timeouts allow."""


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
    """A step of a run failed.

    ``retry_after`` is the number of seconds the service asked us to wait, if it did.
    """

    def __init__(
        self, code: ErrorCode, message: str, *, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        self.message = shorten(redact(message))
        super().__init__(self.message)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code.value,
            "message": self.message,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
        }


class ActivityFailed(Exception):
    """An activity raised an exception instead of answering; the text names it."""


class RunFailed(Exception):
    """The run ended otherwise than Completed; the text is that of ``run_reason.reason_text``."""


class WindowFailed(Exception):
    """The run of a folder could not be started; the text is that of ``run_reason.reason_text``."""


def shorten(text: str, limit: int = MAX_MESSAGE_LENGTH) -> str:
    """One line of at most ``limit`` characters, all of them printable."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
