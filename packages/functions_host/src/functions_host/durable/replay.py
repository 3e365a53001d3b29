"""The state of one execution in the durable task framework, rebuilt from its history.

The SDK replays the user's code; in production the extension replays, next to it, what the host scheduled for that
code, as this module does. Both must assign the same sequence ids, so both process the same events in the same
order. Whatever is scheduled here and is not in the history is a new decision.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from functions_host.durable.decisions import (
    CreateTimer,
    Decision,
    ScheduleActivity,
    SendToEntity,
    StartSubOrchestration,
)
from functions_host.durable.events import EventType, HistoryEvent, parse_time
from functions_host.durable.failures import OrchestrationFault
from functions_host.durable.nondeterminism import (
    NonDeterministicOrchestrationError,
    not_scheduled,
    scheduled_as_another_kind,
    scheduled_under_another_name,
)

MAX_ORCHESTRATION_ACTIONS = 100_000


class PendingTask:
    """Something for which the execution waits. Callbacks run at once, in the order of their registration."""

    __slots__ = ("_callbacks", "done", "failed", "value")

    def __init__(self) -> None:
        self.done = False
        self.failed = False
        self.value: str | None = None
        self._callbacks: list[Callable[[], None]] = []

    def complete(self, value: str | None = None, *, failed: bool = False) -> None:
        if self.done:
            return
        self.done, self.failed, self.value = True, failed, value
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def when_done(self, callback: Callable[[], None]) -> None:
        if self.done:
            callback()
        else:
            self._callbacks.append(callback)


class ReplayContext:
    """Creates tasks and matches them with the history; tasks that are not in the history are new decisions."""

    def __init__(self, on_started: Callable[[], None]) -> None:
        self.current_utc = datetime.min.replace(tzinfo=UTC)
        self.suspended = False
        self.continuing_as_new = False
        self.carried_over: list[HistoryEvent] = []
        self.cancelled_timers: list[int] = []
        self._on_started = on_started
        self._next_id = 0
        self._new_decisions: dict[int, Decision] = {}
        self._parked_decisions: dict[int, Decision] = {}
        self._open: dict[int, PendingTask] = {}
        self._waiting: defaultdict[str, list[PendingTask]] = defaultdict(list)
        self._buffered: defaultdict[str, deque[str | None]] = defaultdict(deque)
        self._events_while_suspended: deque[HistoryEvent] = deque()
        self._handlers: dict[int, Callable[[HistoryEvent], None]] = {
            EventType.EXECUTION_STARTED: self._execution_started,
            EventType.TASK_SCHEDULED: self._matches(ScheduleActivity),
            EventType.TASK_COMPLETED: self._completes("TaskScheduledId"),
            EventType.TASK_FAILED: self._fails,
            EventType.SUB_ORCHESTRATION_CREATED: self._matches(StartSubOrchestration),
            EventType.SUB_ORCHESTRATION_COMPLETED: self._completes("TaskScheduledId"),
            EventType.SUB_ORCHESTRATION_FAILED: self._fails,
            EventType.TIMER_CREATED: self._matches(CreateTimer),
            EventType.TIMER_FIRED: self._completes("TimerId"),
            EventType.EVENT_SENT: self._matches(SendToEntity),
            EventType.EVENT_RAISED: self._event_raised,
            EventType.EXECUTION_SUSPENDED: self._execution_suspended,
        }

    @property
    def has_open_tasks(self) -> bool:
        return bool(self._open)

    @property
    def decisions(self) -> Sequence[Decision]:
        return [self._new_decisions[number] for number in sorted(self._new_decisions)]

    @property
    def next_id(self) -> int:
        return self._next_id

    def process(self, events: Sequence[HistoryEvent]) -> None:
        """Raises NonDeterministicOrchestrationError if the history has an action that was not scheduled again."""
        for event in events:
            self._process(event)

    def schedule_activity(self, name: str, input_text: str) -> PendingTask:
        return self._schedule(ScheduleActivity(self._take_id(), name, input_text))

    def start_sub_orchestration(
        self, name: str, version: str, instance_id: Callable[[int], str], input_text: str
    ) -> PendingTask:
        number = self._take_id()
        return self._schedule(StartSubOrchestration(number, name, version, instance_id(number), input_text))

    def create_timer(self, fire_at: datetime, cancelled: bool = False) -> PendingTask:
        decision = CreateTimer(self._take_id(), fire_at, cancelled)
        if not cancelled:
            return self._schedule(decision)
        self._new_decisions[decision.id] = decision
        self.cancelled_timers.append(decision.id)
        task = PendingTask()
        task.complete(failed=True)
        return task

    def send_to_entity(self, make: Callable[[int], SendToEntity]) -> SendToEntity:
        decision = make(self._take_id())
        self._new_decisions[decision.id] = decision
        return decision

    def wait_for_event(self, name: str) -> PendingTask:
        """Names are case-insensitive. If several tasks wait for a name, the last one gets the first event."""
        task = PendingTask()
        buffered = self._buffered[name.casefold()]
        if buffered:
            task.complete(buffered.popleft())
        else:
            self._waiting[name.casefold()].append(task)
        return task

    def _take_id(self) -> int:
        if self._next_id >= MAX_ORCHESTRATION_ACTIONS:
            raise OrchestrationFault(
                f"Maximum amount of orchestration actions ({MAX_ORCHESTRATION_ACTIONS:,}) has been reached. "
                "Continue as new, or fan out through sub-orchestrations."
            )
        number = self._next_id
        self._next_id += 1
        return number

    def _schedule(self, decision: Decision) -> PendingTask:
        task = PendingTask()
        self._new_decisions[decision.id] = decision
        self._open[decision.id] = task
        return task

    def _process(self, event: HistoryEvent) -> None:
        kind = event["EventType"]
        if kind == EventType.ORCHESTRATOR_STARTED:
            self.current_utc = parse_time(event["Timestamp"])
        elif kind == EventType.EXECUTION_RESUMED:
            self._execution_resumed()
        elif self.suspended and kind == EventType.EVENT_RAISED:
            # durable-functions behaviour: an event ends the suspension.
            self._execution_resumed()
            self._event_raised(event)
        elif self.suspended and kind != EventType.EXECUTION_TERMINATED:
            if kind != EventType.EXECUTION_SUSPENDED:
                self._events_while_suspended.append(event)
        elif handler := self._handlers.get(kind):
            handler(event)

    def _execution_started(self, _: HistoryEvent) -> None:
        self._on_started()

    def _execution_suspended(self, _: HistoryEvent) -> None:
        self.suspended = True
        self._parked_decisions, self._new_decisions = self._new_decisions, {}

    def _execution_resumed(self) -> None:
        if not self.suspended:
            return
        self.suspended = False
        self._new_decisions, self._parked_decisions = self._parked_decisions, {}
        while self._events_while_suspended:
            self._process(self._events_while_suspended.popleft())

    def _matches(self, expected: type[Decision]) -> Callable[[HistoryEvent], None]:
        def match(event: HistoryEvent) -> None:
            # A decision that does not match remains: the extension executes it, although the instance fails.
            decision = self._new_decisions.get(event["EventId"])
            if decision is None:
                raise NonDeterministicOrchestrationError(not_scheduled(event))
            if not isinstance(decision, expected):
                raise NonDeterministicOrchestrationError(
                    scheduled_as_another_kind(event, decision.dotnet_type)
                )
            name = decision.recorded_name
            if name.casefold() != str(event.get("Name", "")).casefold():
                raise NonDeterministicOrchestrationError(scheduled_under_another_name(event, name))
            del self._new_decisions[decision.id]

        return match

    def _completes(self, id_field: str) -> Callable[[HistoryEvent], None]:
        def complete(event: HistoryEvent) -> None:
            # After a second completion, or for a cancelled timer that fires, there is no open task: ignored.
            if task := self._open.pop(event[id_field], None):
                task.complete(event.get("Result"))

        return complete

    def _fails(self, event: HistoryEvent) -> None:
        if task := self._open.pop(event["TaskScheduledId"], None):
            task.complete(failed=True)

    def _event_raised(self, event: HistoryEvent) -> None:
        name = event["Name"].casefold()
        if self.continuing_as_new:
            self.carried_over.append(event)
        elif self._waiting[name]:
            self._waiting[name].pop().complete(event["Input"])
        else:
            self._buffered[name].append(event["Input"])
