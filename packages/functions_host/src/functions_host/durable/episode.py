"""One episode of an orchestration, as a pure function of its history and of the SDK's answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from functions_host.durable.action_runner import ActionRunner, ExecutionIdentity
from functions_host.durable.decisions import Decision
from functions_host.durable.events import EventType, HistoryEvent, compact_json
from functions_host.durable.failures import (
    OrchestrationFault,
    orchestrator_failure,
    orchestrator_failure_details,
    state_in_failure,
    unlabelled_failure,
    with_shortened_times,
)
from functions_host.durable.known_functions import KnownFunctions
from functions_host.durable.language_worker import InvocationError
from functions_host.durable.nondeterminism import NonDeterministicOrchestrationError

CUSTOM_STATUS_LIMIT = 16 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """The SDK's answer to one episode. JSON texts are compact; None means absent."""

    actions: Sequence[Mapping[str, Any]] = ()
    is_done: bool = False
    output: str | None = None
    error: str | None = None
    custom_status: str | None = None

    @classmethod
    def parse(cls, state_json: str) -> Self:
        state = json.loads(state_json)
        lists = state["actions"]
        if len(lists) > 1:
            return cls(error=f"The actions must come in one list, but there are {len(lists)}.")
        return cls(
            actions=lists[0] if lists else (),
            is_done=state["isDone"],
            output=_text(state.get("output")),
            error=state.get("error"),
            custom_status=_text(state.get("customStatus")),
        )

    @classmethod
    def of_failure(cls, failure: InvocationError) -> Self:
        state = state_in_failure(failure.message)
        if state is None:
            return cls(error=unlabelled_failure(failure))
        answer = cls.parse(state)
        status = answer.custom_status
        return answer if status is None else replace(answer, custom_status=with_shortened_times(status))


@dataclass(frozen=True, slots=True)
class Completed:
    output: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """A parent orchestration receives ``details`` besides the reason."""

    reason: str
    details: str

    @classmethod
    def by_orchestrator(cls, name: str, error: str) -> Self:
        return cls(orchestrator_failure(name, error), orchestrator_failure_details(error))


@dataclass(frozen=True, slots=True)
class Terminated:
    reason: str


@dataclass(frozen=True, slots=True)
class ContinuedAsNew:
    """``input`` is the JSON text of the next ExecutionStarted event."""

    input: str
    carried_over: Sequence[HistoryEvent]


Ending = Completed | Failed | Terminated | ContinuedAsNew


@dataclass(frozen=True, slots=True)
class EpisodeOutcome:
    """``ending`` is None while the instance has not ended. A ``custom_status`` of None leaves the old one.

    ``missing`` has a message for each call of a function that the app does not have.
    """

    decisions: Sequence[Decision] = ()
    ending: Ending | None = None
    completion_id: int = -1
    custom_status: str | None = None
    cancelled_timers: Sequence[int] = field(default=())
    suspended: bool = False
    missing: Sequence[str] = ()


def terminate_reason(new: Sequence[HistoryEvent]) -> str | None:
    """A termination does not run the user's code. None without a termination."""
    for event in new:
        if event["EventType"] == EventType.EXECUTION_TERMINATED:
            return event["Input"] or ""
    return None


def decide(
    name: str,
    identity: ExecutionIdentity,
    history: Sequence[HistoryEvent],
    answer: Answer,
    known: KnownFunctions,
) -> EpisodeOutcome:
    """``history`` includes the new events of this episode."""
    too_long = _custom_status_problem(answer.custom_status)
    if too_long:
        return EpisodeOutcome(ending=Failed.by_orchestrator(name, too_long))
    runner = ActionRunner(identity, answer.actions, known)
    try:
        runner.context.process(history)
    except NonDeterministicOrchestrationError as error:
        return EpisodeOutcome(
            decisions=runner.context.decisions,
            ending=Failed(str(error), orchestrator_failure_details(str(error))),
            completion_id=runner.context.next_id,
            custom_status=answer.custom_status,
        )
    except OrchestrationFault as fault:
        return EpisodeOutcome(
            ending=Failed.by_orchestrator(name, str(fault)), custom_status=answer.custom_status
        )
    return EpisodeOutcome(
        decisions=runner.context.decisions,
        ending=_ending(name, runner, answer),
        completion_id=runner.context.next_id,
        custom_status=answer.custom_status,
        cancelled_timers=runner.context.cancelled_timers,
        suspended=runner.context.suspended,
        missing=runner.missing,
    )


def _ending(name: str, runner: ActionRunner, answer: Answer) -> Ending | None:
    context = runner.context
    if context.has_open_tasks or context.suspended or not runner.finished:
        return None
    if answer.error is not None:
        return Failed.by_orchestrator(name, answer.error)
    if not answer.is_done:
        return None
    if context.continuing_as_new:
        return ContinuedAsNew(json.dumps(runner.continue_as_new_input), context.carried_over)
    return Completed(answer.output)


def _custom_status_problem(status: str | None) -> str | None:
    plain = json.dumps(json.loads(status), separators=(",", ":"), ensure_ascii=False) if status else ""
    size = len(plain.encode("utf-16-le", "surrogatepass"))
    if size <= CUSTOM_STATUS_LIMIT:
        return None
    return (
        f"The UTF-16 size of the JSON-serialized payload must not exceed {CUSTOM_STATUS_LIMIT // 1024} KB. "
        f"The current payload size is {size / 1024:.1f} KB."
    )


def _text(value: Any) -> str | None:
    return None if value is None else compact_json(value)
