"""Runs the action list that the SDK returned against the replayed history.

The SDK answers every episode with *all* actions since the start of the execution. They are invoked in order: each
top-level action is awaited before the next one is invoked, even if the user's code did not wait for it. Failures are
ignored here: the user's code handles them. A compound action waits only for its own (new) children.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from functions_host.durable.actions import Action, ActionType
from functions_host.durable.decisions import EntityId, SendToEntity
from functions_host.durable.events import compact_json, parse_time
from functions_host.durable.failures import OrchestrationFault
from functions_host.durable.known_functions import KnownFunctions
from functions_host.durable.message_labels import MessageLabels
from functions_host.durable.replay import PendingTask, ReplayContext

HTTP_ACTIVITY = "BuiltIn::HttpActivity"
DEFAULT_HTTP_POLL = timedelta(milliseconds=30_000)
_HTTP_ACCEPTED = 202
# The request id of an entity call must be the same in every replay.
_REQUEST_NAMESPACE = uuid.UUID("5f5b4a3e-2a84-4a0e-9f43-6d1f0c1f6f55")


@dataclass(frozen=True, slots=True)
class ExecutionIdentity:
    """The execution that runs. A child without a version gets ``default_version``."""

    instance_id: str
    execution_id: str
    parent_instance_id: str | None
    default_version: str


class ActionRunner:
    """One pass over the actions; ``finished`` when all were awaited.

    ``missing`` has a message for each action that calls a function that the app does not have.
    ``context.process`` raises OrchestrationFault for an action that the host refuses.
    """

    def __init__(self, identity: ExecutionIdentity, actions: Sequence[Action], known: KnownFunctions) -> None:
        self.context = ReplayContext(self._advance)
        self.finished = False
        self.missing: list[str] = []
        self.continue_as_new_input: Any = None
        self._identity = identity
        self._actions = actions
        self._known = known
        self._labels = MessageLabels()
        self._position = 0
        self._invokers: dict[int, Callable[[Action], PendingTask]] = {
            ActionType.CALL_ACTIVITY: self._call_activity,
            ActionType.CALL_ACTIVITY_WITH_RETRY: self._with_retry(self._call_activity),
            ActionType.CALL_SUB_ORCHESTRATOR: self._call_sub_orchestrator,
            ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY: self._with_retry(self._call_sub_orchestrator),
            ActionType.CONTINUE_AS_NEW: self._continue_as_new,
            ActionType.CREATE_TIMER: self._create_timer,
            ActionType.WAIT_FOR_EXTERNAL_EVENT: self._wait_for_external_event,
            ActionType.CALL_ENTITY: self._call_entity,
            ActionType.CALL_HTTP: self._call_http,
            ActionType.SIGNAL_ENTITY: self._signal_entity,
            ActionType.WHEN_ANY: self._when_any,
            ActionType.WHEN_ALL: self._when_all,
        }

    def _advance(self) -> None:
        while self._position < len(self._actions):
            action = self._actions[self._position]
            self._position += 1
            task = self._invoke(action)
            if not task.done:
                task.when_done(self._advance)
                return
        self.finished = True

    def _invoke(self, action: Action) -> PendingTask:
        kind = action["actionType"]
        invoker = self._invokers.get(kind)
        if invoker is None:
            raise OrchestrationFault(f"Unable to invoke action of unknown type {kind}.")
        if problem := self._known.problem_with(action):
            # durable-functions behaviour: the extension ignores its own error. Nothing is scheduled, so the user's
            # code waits forever.
            self.missing.append(problem)
            return _completed_task(failed=True)
        return invoker(action)

    def _call_activity(self, action: Action) -> PendingTask:
        return self.context.schedule_activity(action["functionName"], action["input"])

    def _call_sub_orchestrator(self, action: Action) -> PendingTask:
        me = self._identity
        child_id = action.get("instanceId")
        if child_id is not None:
            if child_id.startswith("@"):
                raise OrchestrationFault("Orchestration instance IDs must not start with @.")
            if child_id in (me.instance_id, me.parent_instance_id):
                raise OrchestrationFault(
                    f"The sub-orchestration instance ID '{child_id}' must differ from that of its parent and "
                    "of its parent's parent."
                )
        return self.context.start_sub_orchestration(
            action["functionName"],
            action.get("version") or me.default_version,
            lambda number: child_id or f"{me.execution_id}:{number}",
            json.dumps(action["input"]),
        )

    def _with_retry(self, call: Callable[[Action], PendingTask]) -> Callable[[Action], PendingTask]:
        """A timer follows every failed attempt, also the last one: without it the SDK waits forever."""

        def invoke(action: Action) -> PendingTask:
            options = action["retryOptions"]
            pause = timedelta(milliseconds=options["firstRetryIntervalInMilliseconds"])
            attempts = options["maxNumberOfAttempts"]
            outcome = PendingTask()

            def start(attempt: int) -> None:
                task = call(action)
                task.when_done(lambda: ended(task, attempt))

            def ended(task: PendingTask, attempt: int) -> None:
                if not task.failed:
                    outcome.complete(task.value)
                elif attempt < attempts:
                    timer = self.context.create_timer(self.context.current_utc + pause)
                    timer.when_done(lambda: start(attempt + 1))
                else:
                    timer = self.context.create_timer(self.context.current_utc)
                    timer.when_done(lambda: outcome.complete(failed=True))

            start(1)
            return outcome

        return invoke

    def _continue_as_new(self, action: Action) -> PendingTask:
        self.context.continuing_as_new = True
        self.continue_as_new_input = action.get("input")
        return _completed_task()

    def _create_timer(self, action: Action) -> PendingTask:
        return self.context.create_timer(parse_time(action["fireAt"]), bool(action.get("isCanceled")))

    def _wait_for_external_event(self, action: Action) -> PendingTask:
        return self.context.wait_for_event(action["externalEventName"])

    def _call_entity(self, action: Action) -> PendingTask:
        return self.context.wait_for_event(self._send(action, is_signal=False).request_id)

    def _signal_entity(self, action: Action) -> PendingTask:
        self._send(action, is_signal=True)
        return _completed_task()

    def _send(self, action: Action, is_signal: bool) -> SendToEntity:
        me = self._identity
        entity = EntityId.parse(action["instanceId"])
        return self.context.send_to_entity(
            lambda number: SendToEntity(
                id=number,
                entity=entity,
                operation=action["operation"],
                input=json.dumps(action["input"]),
                is_signal=is_signal,
                request_id=str(uuid.uuid5(_REQUEST_NAMESPACE, f"{me.execution_id}:{number}")),
                parent_instance_id=me.instance_id,
                parent_execution_id=me.execution_id,
                label=self._labels.next(entity, self.context.current_utc),
            )
        )

    def _call_http(self, action: Action) -> PendingTask:
        """Polls after an answer of 202, as the host does; for the SDK the 202 is already the result."""
        outcome = PendingTask()

        def send(request: Mapping[str, Any]) -> None:
            task = self.context.schedule_activity(HTTP_ACTIVITY, compact_json(request))
            task.when_done(lambda: answered(task, request))

        def answered(task: PendingTask, request: Mapping[str, Any]) -> None:
            answer = json.loads(task.value) if task.value else {}
            headers = {name.lower(): value for name, value in answer.get("headers", {}).items()}
            if answer.get("statusCode") != _HTTP_ACCEPTED or "location" not in headers:
                outcome.complete(task.value, failed=task.failed)
                return
            pause = headers.get("retry-after", "")
            wait = timedelta(seconds=int(pause)) if pause.isdecimal() else DEFAULT_HTTP_POLL
            poll = {**request, "method": "GET", "uri": headers["location"], "content": None}
            timer = self.context.create_timer(self.context.current_utc + wait)
            timer.when_done(lambda: send(poll))

        send(action["httpRequest"])
        return outcome

    def _when_any(self, action: Action) -> PendingTask:
        outcome = PendingTask()
        children = [self._invoke(child) for child in action["compoundActions"]]
        for child in children:
            child.when_done(outcome.complete)
        return outcome if children else _completed_task()

    def _when_all(self, action: Action) -> PendingTask:
        outcome = PendingTask()
        children = [self._invoke(child) for child in action["compoundActions"]]
        left = len(children)

        def one_done() -> None:
            nonlocal left
            left -= 1
            if not left:
                outcome.complete()

        for child in children:
            child.when_done(one_done)
        return outcome if children else _completed_task()


def _completed_task(*, failed: bool = False) -> PendingTask:
    task = PendingTask()
    task.complete(failed=failed)
    return task
