"""Runs the timer triggers of an app on their schedules.

durable-functions behaviour: a timer never runs twice at the same time; an occurrence that becomes due while the
function runs starts when it ends. A monitored timer (``useMonitor``, the default, for schedules of a minute
or more) that became due while the host was down runs once when the host starts, as past due.
"""

import asyncio
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from functions_host.durable.clock import RealClock
from functions_host.durable.language_worker import InvocationError
from functions_host.settings import expand_settings
from functions_host.triggers.schedules import Schedule, ScheduleError, parse_schedule
from functions_host.triggers.timer_status import TimerStatus, TimerStatusFile
from functions_host.worker import protos
from functions_host.worker.functions import FunctionDefinition
from functions_host.worker.invocations import Invoke

log = logging.getLogger(__name__)

TRIGGER_TYPE = "timerTrigger"
_SHORTEST_MONITORED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Timer:
    function: FunctionDefinition
    schedule: Schedule
    runs_on_startup: bool
    monitored: bool


def timers(functions: Iterable[FunctionDefinition]) -> list[Timer]:
    """Raises ScheduleError, and SettingsError for a ``%NAME%`` that is not set."""
    now = datetime.now(UTC)
    return [_timer(function, now) for function in functions if function.trigger_type == TRIGGER_TYPE]


def _timer(function: FunctionDefinition, now: datetime) -> Timer:
    trigger = function.trigger
    expression = expand_settings(str(trigger["schedule"]), os.environ)
    try:
        schedule = parse_schedule(expression, now)
    except ScheduleError as error:
        raise ScheduleError(f"The schedule of function {function.name} is wrong: {error}") from error
    first = schedule.after(now)
    long_enough = schedule.after(first) - first >= _SHORTEST_MONITORED
    return Timer(
        function,
        schedule,
        runs_on_startup=_flag(trigger.get("runOnStartup"), default=False),
        monitored=long_enough and _flag(trigger.get("useMonitor"), default=True),
    )


class TimerTriggers:
    """Uses the machine's clock, not the engine's: a virtual clock would jump from timer to timer."""

    def __init__(self, timers: Iterable[Timer], invoke: Invoke, statuses: TimerStatusFile) -> None:
        self._timers = list(timers)
        self._invoke = invoke
        self._statuses = statuses
        self._clock = RealClock()
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        for timer in self._timers:
            task = asyncio.create_task(self._run_on_schedule(timer), name=timer.function.name)
            task.add_done_callback(_log_why_it_ended)
            self._tasks.append(task)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def run_by_hand(self, function: FunctionDefinition) -> None:
        timer = next(timer for timer in self._timers if timer.function.name == function.name)
        await self._run(timer, past_due=False)

    async def _run_on_schedule(self, timer: Timer) -> None:
        due, past_due = self._first_due(timer)
        if past_due or timer.runs_on_startup:
            due = await self._run_and_record(timer, past_due)
        while True:
            await self._clock.sleep_until(due)
            due = await self._run_and_record(timer, past_due=False)

    def _first_due(self, timer: Timer) -> tuple[datetime, bool]:
        """When the timer is due, and whether that time is past."""
        now = self._clock.now()
        status = self._statuses.get(timer.function.name) if timer.monitored else None
        if status is None:
            due = timer.schedule.after(now)
            self._record(timer, TimerStatus(now, due))
            return due, False
        # Computed from the last run, not read from the file: the schedule may have changed.
        due = timer.schedule.after(status.last)
        return due, due < now

    async def _run_and_record(self, timer: Timer, past_due: bool) -> datetime:
        began = self._clock.now()
        await self._run(timer, past_due)
        due = timer.schedule.after(began)
        self._record(timer, TimerStatus(began, due))
        return due

    async def _run(self, timer: Timer, past_due: bool) -> None:
        status = self._statuses.get(timer.function.name) if timer.monitored else None
        try:
            await self._invoke(timer.function, timer_input(status, past_due))
        except InvocationError as error:
            log.error("%s failed: %s", timer.function.name, error.stack or error.message)

    def _record(self, timer: Timer, status: TimerStatus) -> None:
        if timer.monitored:
            self._statuses.set(timer.function.name, status)


def _log_why_it_ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        log.error("The timer of %s has stopped", task.get_name(), exc_info=task.exception())


def timer_input(status: TimerStatus | None, past_due: bool) -> protos.TypedData:
    """The trigger value from which the worker makes a TimerRequest."""
    schedule_status: dict[str, Any] | None = None
    if status is not None:
        last = status.last.isoformat()
        schedule_status = {"Last": last, "LastUpdated": last, "Next": status.next.isoformat()}
    value = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": schedule_status, "IsPastDue": past_due}
    return protos.TypedData(json=json.dumps(value))


def _flag(value: object, default: bool) -> bool:
    return default if value is None else str(value).lower() == "true"
