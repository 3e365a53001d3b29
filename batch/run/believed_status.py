"""What is believed of a run's durable status: the runtime's word first, its output next, the custom status last.

durable-functions behaviour: a host that is killed between two writes leaves the custom status null or out of date,
for ever. The runtime's status and the output are mended from the history.
"""

from collections.abc import Mapping
from typing import Any

from batch.errors import ErrorCode
from batch.run.reason import Reason, read_reason
from batch.run.state import OUTCOMES, Phase, Run
from batch.run.status import custom_status as status_of

PENDING = "Pending"
TERMINATED = "Terminated"
ENDED_PHASES = frozenset({*(outcome.value for outcome in OUTCOMES), TERMINATED})
ENDED_RUNTIME_STATUSES = frozenset({"Completed", "Failed", "Terminated", "Canceled"})
UNFINISHED_RUNTIME_STATUSES = ("Pending", "Running", "ContinuedAsNew", "Suspended")

_NOT_COMPLETED = OUTCOMES - {Phase.COMPLETED}
_FACTS = (
    "endpoint_uri",
    "identity",
    "source",
    "job",
    "checks",
    "started_at",
    "submitted_at",
    "running_at",
    "last_check_at",
    "cancellation",
)
_IN_RESULT = ("job", "checks", "started_at", "submitted_at", "ended_at")


def believed_status(
    runtime_status: str, custom_status: object, output: object, state: Run | None = None
) -> dict[str, Any]:
    """The custom status as it would be if nothing of it was lost, in its own shape; ``phase`` is always there.

    An outcome in the custom status ends the run also before the runtime says so. ``state`` is the state of the
    run in the instance's input, where it was read; how the run ended is never taken from it.
    """
    told: Mapping[str, Any] = custom_status if isinstance(custom_status, dict) else {}
    claimed = str(told.get("phase") or PENDING)
    if runtime_status not in ENDED_RUNTIME_STATUSES:
        lapsed = {"next_check_at": None, "problem": None} if claimed in OUTCOMES else {}
        return {**told, **lapsed, "phase": claimed}
    match runtime_status:
        case "Completed":
            phase, error = Phase.COMPLETED.value, None
        case "Failed":
            phase, error = _failed(claimed, told, read_reason(output))
        case _:
            phase, error = _stopped(claimed, told, runtime_status, output)
    known = _facts(status_of(state)) if state else {}
    ended_at = {"ended_at": told.get("ended_at")} if claimed in OUTCOMES else {}
    told_facts = _facts(told)
    # The newer one counts: it knows of more checks, or of an end of which the custom status does not know.
    is_stale = told_facts.get("checks", 0) < known.get("checks", 0) or (
        state is not None and state.failure is not None and claimed not in OUTCOMES
    )
    facts = {**told_facts, **known} if is_stale else {**known, **told_facts}
    result = output if runtime_status == "Completed" and isinstance(output, dict) else {}
    told_by_result = {name: result[name] for name in _IN_RESULT if result.get(name)}
    return {**facts, **ended_at, **told_by_result, "phase": phase, "error": error}


def _failed(claimed: str, told: Mapping[str, Any], reason: Reason) -> tuple[str, Mapping[str, str]]:
    """The custom status has the better words, where it tells the same end."""
    error = _error(told)
    tells_another = reason.code is not ErrorCode.INTERNAL and (claimed, (error or {}).get("code")) != (
        reason.outcome,
        reason.code,
    )
    told_by_reason = {"code": reason.code.value, "message": reason.message}
    if claimed in _NOT_COMPLETED and not tells_another:
        return claimed, error or told_by_reason
    return reason.outcome.value, told_by_reason


def _stopped(
    claimed: str, told: Mapping[str, Any], runtime_status: str, output: object
) -> tuple[str, Mapping[str, str]]:
    """Ended from outside, unless the run had told its own end before."""
    error = _error(told)
    if claimed in _NOT_COMPLETED and error:
        return claimed, error
    text = f"The orchestration ended {runtime_status}: {str(output).rstrip('.')}."
    if runtime_status == "Terminated":
        text += " Terminating stops the run, not its job: cancel the job in Azure ML Studio if it still runs."
    return TERMINATED, {"code": ErrorCode.INTERNAL.value, "message": text}


def _error(told: Mapping[str, Any]) -> Mapping[str, str] | None:
    error = told.get("error")
    return error if isinstance(error, dict) else None


def _facts(status: Mapping[str, Any]) -> dict[str, Any]:
    return {name: status[name] for name in _FACTS if status.get(name)}
