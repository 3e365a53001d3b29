"""What durable work costs in Azure Storage: a model of the Durable extension, because the local host has no account.

The model is compared with the extension 3.19.0 on a storage emulator, where a check made 13 transactions and a start
some 45 (the reads while a claim waits vary). Polls of idle queues are not counted: they do not depend on the run.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Work(StrEnum):
    START = "start of an instance"
    CONTROL_MESSAGE = "message to an instance"
    WORK_ITEM = "message to an activity"
    EPISODE = "episode of an orchestration or entity"
    STATUS_READ = "status of an instance"
    ENTITY_READ = "state of an entity"
    LEDGER_READ = "read of the ledger"
    LEDGER_WRITE = "write to the ledger"


TRANSACTIONS: Mapping[Work, int] = {
    Work.START: 2,  # the row is read, because an instance may exist, and written; the message counts by itself
    Work.CONTROL_MESSAGE: 2,  # put, deleted: a start, the result of an activity, a timer, an event, an operation
    Work.WORK_ITEM: 2,  # put, deleted
    Work.EPISODE: 3,  # the history is read, because no session is kept, and appended to; the row is updated
    Work.STATUS_READ: 1,  # the row
    Work.ENTITY_READ: 1,  # the row, which holds the state
    Work.LEDGER_READ: 1,  # one row, or one page of rows
    Work.LEDGER_WRITE: 1,  # one row, or several in one transaction
}

_CONTINUE_AS_NEW = 4
_MESSAGES = {0: "ExecutionStarted", 5: "TaskCompleted", 6: "TaskFailed", 11: "TimerFired", 15: "EventRaised"}
"""The events of a history that reach the instance as messages. A continued execution is started without one."""

_WAITS = {5: "CreateTimer", 11: "WhenAny"}


@dataclass(frozen=True, slots=True)
class Invocation:
    """Of a durable function, with the texts that the host gives and gets. ``answer`` is None if it failed."""

    kind: str
    data: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class ManagementRequest:
    """``path`` begins behind the address of the management API."""

    method: str
    path: str


def work_of_invocations(invocations: Iterable[Invocation]) -> Counter[Work]:
    """A message is counted when it is taken; a timer that waits belongs to the check that it begins."""
    work: Counter[Work] = Counter()
    continued: set[str] = set()
    for one in invocations:
        match one.kind:
            case "orchestrationTrigger":
                work.update(_work_of_orchestration(one, continued))
            case "activityTrigger":
                work.update((Work.WORK_ITEM,))
            case "entityTrigger":
                work.update({Work.CONTROL_MESSAGE: len(json.loads(one.data)["batch"]), Work.EPISODE: 1})
            case other:
                raise ValueError(f"{other} has no weight.")
    return work


def work_of_request(request: ManagementRequest) -> Work | None:
    """None for a signal, which is counted with the entity that takes it. Raises ValueError if there is no weight."""
    match request.method, request.path.strip("/").lower().split("/"):
        case "POST", ["orchestrators", *_]:
            return Work.START
        case "GET", ["instances", _]:
            return Work.STATUS_READ
        case "GET", ["entities", _, _]:
            return Work.ENTITY_READ
        case "POST", ["entities", _, _]:
            return None
    raise ValueError(f"{request.method} {request.path} has no weight.")


def transactions(work: Mapping[str, int]) -> int:
    """``work`` counts by the values of ``Work``."""
    return sum(TRANSACTIONS[Work(kind)] * count for kind, count in work.items())


def waits_for_next_check(invocation: Invocation) -> bool:
    """Whether the orchestration now waits for a timer."""
    actions = _actions(invocation)
    return invocation.kind == "orchestrationTrigger" and bool(actions) and actions[-1] in _WAITS


def _work_of_orchestration(one: Invocation, continued: set[str]) -> Counter[Work]:
    """``continued`` has the instances whose last execution ended with continue-as-new."""
    context = json.loads(one.data)
    instance_id = context["instanceId"]
    new = [event["EventType"] for event in context["history"] if not event["IsPlayed"]]
    taken = [kind for kind in new if kind in _MESSAGES]
    if instance_id in continued:
        continued.discard(instance_id)
        taken = [kind for kind in taken if _MESSAGES[kind] != "ExecutionStarted"]
    work = Counter({Work.CONTROL_MESSAGE: len(taken)})
    if _CONTINUE_AS_NEW in _actions(one):
        # The extension goes on with the next execution at once, and writes both together.
        continued.add(instance_id)
    else:
        work[Work.EPISODE] += 1
    return work


def _actions(one: Invocation) -> list[int]:
    """The types of all actions, in their order; of several that are waited for together the type of the wait."""
    if one.kind != "orchestrationTrigger" or one.answer is None:
        return []
    return [action["actionType"] for actions in json.loads(one.answer)["actions"] for action in actions]
