"""The bodies that the HTTP API answers with, except the run itself (``run_view``)."""

from enum import Enum
from http import HTTPStatus
from typing import Annotated, NotRequired

from pydantic import Field

# Pydantic reads the standard library's TypedDict from Python 3.12 on.
from typing_extensions import TypedDict

from batch.api.run_view import RunView


class RunLinks(TypedDict):
    """Where to look at a run and how to act on it. The durable URLs hold a key of the task hub in Azure."""

    id: Annotated[str, Field(description="The run_id")]
    runUri: str
    cancelPostUri: Annotated[str, Field(description="Cancels the job, and with it the run")]
    statusQueryGetUri: str
    sendEventPostUri: str
    terminatePostUri: Annotated[str, Field(description="Ends the run without its job: prefer cancelPostUri")]
    rewindPostUri: str
    purgeHistoryDeleteUri: str
    restartPostUri: str
    suspendPostUri: str
    resumePostUri: str
    run: NotRequired[Annotated[RunView, Field(description="The run that was there already (200 only)")]]


class RunList(TypedDict):
    """One page. It may hold fewer runs than requested; the last page has no ``continuation``."""

    runs: list[RunView]
    continuation: str | None


class RebuiltPart(TypedDict):
    """One part of the task hub; the last part has no ``continuation``."""

    instances: Annotated[int, Field(ge=0, description="Instances that were read, runs and others")]
    added: Annotated[int, Field(ge=0, description="Runs that were not in the ledger, and are now")]
    continuation: str | None


class WrongField(TypedDict):
    """One wrong field of a request; ``field`` is a path with dots."""

    field: str
    message: str


class ApiError(Enum):
    """The kinds of errors, each with its HTTP status and its title."""

    INVALID_REQUEST = HTTPStatus.BAD_REQUEST, "The request is not valid"
    NO_SUCH_RUN = HTTPStatus.NOT_FOUND, "No such run"
    NO_LOG = HTTPStatus.NOT_FOUND, "There is no such log"
    ID_IN_USE = HTTPStatus.CONFLICT, "The run_id is in use"
    ALREADY_ENDED = HTTPStatus.CONFLICT, "The run has already ended"
    LOG_UNAVAILABLE = HTTPStatus.BAD_GATEWAY, "Azure ML did not give the log"
    STORE_UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE, "The task hub or the ledger is not available"

    def __init__(self, status: HTTPStatus, title: str) -> None:
        self.status = int(status)
        self.title = title


class ProblemDetails(TypedDict):
    """An error in the form of RFC 9457. ``errors`` lists every wrong field; messages never repeat a value."""

    title: str
    status: int
    detail: str
    errors: NotRequired[list[WrongField]]
