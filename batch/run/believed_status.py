"""What is believed of a run's durable status: the runtime's status first, the output next, the custom status last.

durable-functions behaviour: a host that is killed between two writes leaves the custom status null or out of date,
for ever. The runtime repairs its own status and the output from the history.
"""

from operator import itemgetter
from typing import Any

from batch.advice import advice
from batch.errors import KNOWN_CODES, ErrorCode
from batch.run.phases import (
    ENDED_RUNTIME_STATUSES,
    OUTCOMES,
    PHASES,
    TERMINATED,
    Phase,
)
from batch.run.reason import Reason, read_reason
from batch.run.state import Run
from batch.run.status import FailureView, RunResult, RunStatus, reason_view

_NOT_COMPLETED = OUTCOMES - {Phase.COMPLETED}
_FACTS = (
    "endpoint_uri",
    "identity",
    "source",
    "job_attempt",
    "earlier_jobs",
    "job",
    "checks",
    "started_at",
    "submitted_at",
    "running_at",
    "stalled_since",
    "last_check_at",
    "cancellation",
)
_OF_ONE_JOB = ("job", "submitted_at", "running_at", "stalled_since")
_IN_RESULT = ("job", "checks", "started_at", "submitted_at", "ended_at")


def believed_status(
    runtime_status: str, custom_status: object, output: object, state: Run | None = None
) -> RunStatus:
    """The custom status as it would be if nothing of it was lost.

    An outcome in the custom status ends the run even before the runtime does. ``state`` is the state of the run in
    the instance's input, if it was read; how the run ended is never taken from it.
    """
    reported = RunStatus.read(custom_status)
    has_outcome = reported.phase in OUTCOMES
    if runtime_status not in ENDED_RUNTIME_STATUSES:
        lapsed = {"next_check_at": None, "problem": None} if has_outcome else {}
        return reported.model_copy(update=lapsed)
    result = RunResult.read(output if runtime_status == "Completed" else None)
    match runtime_status:
        case "Completed":
            phase, error = _completed(reported, result), None
        case "Failed":
            phase, error = _failed(reported, read_reason(output), state)
        case _:
            phase, error = _stopped(reported, runtime_status, output)
    facts = _newer_facts(reported, has_outcome, state)
    if has_outcome or _is_of_another_version(reported.phase):
        facts["ended_at"] = reported.ended_at
    facts |= _known_values(result, _IN_RESULT)
    return RunStatus.model_validate({**facts, "phase": phase, "error": error})


def _newer_facts(reported: RunStatus, has_outcome: bool, state: Run | None) -> dict[str, Any]:
    """What the custom status and the state say, the newer of the two first.

    The state is newer if it knows of more checks, or of a failure of which the custom status does not know. Of two
    jobs only the later one counts.
    """
    from_status = _known_values(reported, _FACTS)
    if state is None:
        return from_status
    from_state = _known_values(RunStatus.of(state), _FACTS)
    if from_status["job_attempt"] != from_state["job_attempt"]:
        earlier, later = sorted((from_status, from_state), key=itemgetter("job_attempt"))
        return {name: value for name, value in earlier.items() if name not in _OF_ONE_JOB} | later
    is_stale = reported.checks < state.checks or (state.failure is not None and not has_outcome)
    return {**from_status, **from_state} if is_stale else {**from_state, **from_status}


def _completed(reported: RunStatus, result: RunResult) -> str:
    if result.outcome is None and _is_of_another_version(reported.phase):
        return reported.phase
    return result.outcome or Phase.COMPLETED.value


def _failed(reported: RunStatus, reason: Reason, state: Run | None) -> tuple[str, FailureView]:
    """The custom status has the better words, if it reports the same end."""
    from_reason = _error(reason.code, reason.message)
    failure = state.failure if state else None
    if failure and failure.reason and failure.code == reason.code:
        from_reason["reason"] = reason_view(failure.reason)
    code = reported.error["code"] if reported.error else None
    says_nothing = reason.code == ErrorCode.INTERNAL or reason.code not in KNOWN_CODES
    if _is_of_another_version(reported.phase):
        is_same_end = says_nothing or code == reason.code
    else:
        same = (reported.phase, code) == (reason.outcome, reason.code)
        is_same_end = reported.phase in _NOT_COMPLETED and (same or reason.code == ErrorCode.INTERNAL)
    return (
        (reported.phase, reported.error or from_reason)
        if is_same_end
        else (reason.outcome.value, from_reason)
    )


def _stopped(reported: RunStatus, runtime_status: str, output: object) -> tuple[str, FailureView]:
    """Ended from outside, unless the run had reported its own end before."""
    reported_its_end = reported.phase in _NOT_COMPLETED or _is_of_another_version(reported.phase)
    if reported_its_end and reported.error:
        return reported.phase, reported.error
    text = f"The orchestration ended {runtime_status}: {str(output).rstrip('.')}."
    if runtime_status == "Terminated":
        text += " Terminating stops the run, not its job."
    return TERMINATED, _error(ErrorCode.INTERNAL.value, text)


def _is_of_another_version(phase: str) -> bool:
    """An outcome that this version does not know, or a phase before it: shown as it is."""
    return phase not in PHASES


def _error(code: str, message: str) -> FailureView:
    return {"code": code, "message": message, "advice": advice(code)}


def _known_values(source: RunStatus | RunResult, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(source, name))}
