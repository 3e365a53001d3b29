"""Plays the Durable extension: orchestrations of the task hub go on, and their activities are delivered.

The orchestrator and the activities are those of the app. An activity whose process is killed is delivered again.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from activities import authorize, cancel_job, check_status, invoke, record_end
from batch.advice import advice
from batch.names import AUTHORIZE, BATCH_RUN, EXPLAIN_JOB, RECORD_END
from batch.run.phases import ENDED_RUNTIME_STATUSES
from batch.run.reason import reason_text
from batch.run.steps import Explained
from batch.timestamps import format_timestamp
from orchestrators.batch_run import bp
from tests.faults.clock import Clock
from tests.faults.plan import Killed, process
from tests.orchestrators.execution import ACTIVITY, THIS_VERSION, Execution, handle_of
from tests.task_hub.task_hub import TaskHub
from tests.triggers.functions import functions

REDELIVERED_AFTER = timedelta(minutes=5)
"""As long as the extension hides a message of a queue from the other hosts."""
MOST_DELIVERIES = 10
MOST_STEPS = 400

Explain = Callable[[str], Explained]
"""Takes the name of a job."""

_HANDLE = handle_of(bp, BATCH_RUN)
_ACTIVITIES = {
    name: function
    for part in (authorize, cancel_job, check_status, invoke, record_end)
    for name, function in functions(part.bp).items()
}


class Runtime:
    """``explain`` says why a job failed. ``version`` is that of the app that started the instances."""

    def __init__(self, hub: TaskHub, clock: Clock, explain: Explain, version: str = THIS_VERSION) -> None:
        self._hub = hub
        self._clock = clock
        self._explain = explain
        self._version = version
        self._executions: dict[str, Execution] = {}
        self._began: dict[str, Any] = {}
        """The instances for which they are: an instance that was terminated may be replaced."""
        self._answered: list[tuple[str, Any]] = []

    @property
    def under_way(self) -> list[str]:
        return [
            instance_id
            for instance_id, one in self._hub.instances.items()
            if one["name"] == BATCH_RUN and one["runtimeStatus"] not in ENDED_RUNTIME_STATUSES
        ]

    async def run_to_ends(self) -> None:
        for _ in range(MOST_STEPS):
            if not self.under_way:
                return
            await self.step()
        raise AssertionError(f"these runs do not end: {self.under_way}")

    async def step(self) -> None:
        """Each instance under way goes on until it waits for something else."""
        for instance_id in self.under_way:
            await self._step(instance_id)

    def at_work(self, instance_id: str) -> str | None:
        """The activity for which the instance waits, if it waits for one."""
        execution = self._executions.get(instance_id)
        if execution is None or execution.answer.over:
            return None
        is_activity = execution.answer.actions[-1]["actionType"] == ACTIVITY
        return execution.answer.activity[0] if is_activity else None

    async def deliver_again(self, instance_id: str) -> None:
        """Another delivery of the activity that is at work, if one is. Nobody waits for its answer."""
        execution = self._executions.get(instance_id)
        if execution and not execution.answer.over and execution.answer.actions[-1]["actionType"] == ACTIVITY:
            with suppress(Exception):
                await self.deliver(*execution.answer.activity)

    async def deliver_earlier_ones(self) -> None:
        """Late deliveries of all activities that have answered. Nobody waits for what they answer now."""
        for activity, value in self._answered:
            with suppress(Exception):
                await self.deliver(activity, value)

    async def deliver(self, activity: str, value: Any) -> Any:
        """The answer of one delivery. Raises Killed if its process was killed, and what the activity raises."""
        if activity == EXPLAIN_JOB:
            return self._explain(value["job_name"]).to_json()
        function = _ACTIVITIES[activity]
        with process():
            if activity == AUTHORIZE:
                return await function(nothing=value)  # type: ignore[call-arg]
            return await function(value=value, client=self._hub.binding)

    async def _step(self, instance_id: str) -> None:
        execution = self._execution(instance_id)
        if self._over(instance_id, execution):
            return
        last = execution.answer.actions[-1]
        if last["actionType"] == ACTIVITY:
            await self._answer_activity(execution, *execution.answer.activity)
        elif execution.answer.waits and self._take_nudge(instance_id):
            execution.now = max(execution.now, self._clock.now)
            execution.nudge()
        else:
            execution.now = max(execution.now, self._clock.now)
            execution.fire(late=1.0)
        self._clock.now = max(execution.now, self._clock.now)
        self._publish(instance_id, execution)

    def _execution(self, instance_id: str) -> Execution:
        found = self._hub.instances[instance_id]
        if instance_id not in self._executions or self._began[instance_id] is not found:
            self._began[instance_id] = found
            self._begin(instance_id, found["input"])
        return self._executions[instance_id]

    def _begin(self, instance_id: str, given: Any) -> None:
        execution = Execution(
            *(_HANDLE, given, self._clock.now, instance_id),
            version=self._version,
            waits_at={EXPLAIN_JOB, RECORD_END},
        )
        self._executions[instance_id] = execution
        self._publish(instance_id, execution)

    def _over(self, instance_id: str, execution: Execution) -> bool:
        """Whether the execution takes no further event: the next one begins, or the instance has ended."""
        answer = execution.answer
        if not answer.over:
            return False
        if not answer.ended:
            self._hub.instances[instance_id]["input"] = answer.continued_with
            self._begin(instance_id, answer.continued_with)
        elif answer.error is None:
            self._end(instance_id, "Completed", answer.output)
        else:
            assert answer.code
            reason = reason_text(answer.error, answer.code, advice(answer.code))
            self._hub.instances[instance_id]["input"] = answer.next_input
            self._end(instance_id, "Failed", f"Orchestrator function 'batch_run' failed: {reason}")
        return True

    def _end(self, instance_id: str, runtime_status: str, output: object) -> None:
        del self._executions[instance_id]
        now = format_timestamp(self._clock.now)
        ended = {"runtimeStatus": runtime_status, "output": output, "lastUpdatedTime": now}
        self._hub.instances[instance_id].update(ended)

    def _publish(self, instance_id: str, execution: Execution) -> None:
        found = self._hub.instances.get(instance_id)
        if found is None:
            # Somebody has deleted it meanwhile.
            self._executions.pop(instance_id, None)
            return
        found["runtimeStatus"] = "Running"
        found["lastUpdatedTime"] = format_timestamp(self._clock.now)
        if execution.answer.custom_status is not None:
            found["customStatus"] = execution.answer.custom_status

    async def _answer_activity(self, execution: Execution, activity: str, value: Any) -> None:
        for _ in range(MOST_DELIVERIES):
            self._clock.advance(seconds=1)
            try:
                answer = await self.deliver(activity, value)
            except Killed:
                self._clock.now += REDELIVERED_AFTER
                continue
            except Exception as error:
                execution.now = self._clock.now
                execution.fail(f"Activity function '{activity}' failed:  {error}")
                return
            execution.now = max(execution.now, self._clock.now)
            if (activity, value) not in self._answered:
                self._answered.append((activity, value))
            execution.complete(json.loads(json.dumps(answer)))
            return
        raise AssertionError(f"{activity} was killed {MOST_DELIVERIES} times")

    def _take_nudge(self, instance_id: str) -> bool:
        path = f"/instances/{instance_id}/raiseEvent/nudge"
        if path not in self._hub.posted:
            return False
        self._hub.posted.remove(path)
        return True
