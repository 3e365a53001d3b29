"""The run: authorize, invoke, then check the job until it has ended.

Each execution takes the next step first, then waits on a durable timer or a nudge, then starts afresh with
one small state. A plain loop would replay all its checks at every wake-up. And because each execution begins
with a step, a nudge that gets lost while one execution gives way to the next is answered by that step.

A run that does not complete ends in an execution of its own, which does nothing but raise. The text of a failed
orchestrator carries all its actions with their inputs, and the Functions host cuts whatever looks like a secret out
of it: an input such as ``…/key=1/`` would leave a text that the Durable extension cannot read.
"""

import logging
import warnings
from collections.abc import Generator
from datetime import datetime
from typing import Any

import azure.durable_functions as df

from batch.durable_timer import timer_for
from batch.errors import ErrorCode, RunError, RunFailed
from batch.names import AUTHORIZE, BATCH_RUN, CANCEL_JOB, CHECK_STATUS, INVOKE, JOB_OWNER, NUDGE
from batch.run import next_step
from batch.run import status as run_status
from batch.run.next_step import End
from batch.run.progress_log import log_progress
from batch.run.reason import failure_of, reason_text
from batch.run.state import CancelCause, Job, Run
from batch.run.submission import Purpose

# A nudge that comes before the wait for it: the check that follows it is all it asks for.
warnings.filterwarnings("ignore", message="Potential duplicate Task completion", category=UserWarning)

bp = df.Blueprint()
logger = logging.getLogger(__name__)

Steps = Generator[Any, Any, Run]


@bp.orchestration_trigger(context_name="context", orchestration=BATCH_RUN)
def batch_run(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    before = run = _state(context)
    try:
        run = run.started(_now(context, run))
        if run.job is None:
            run = yield from _submit(context, run)
        if run.job:
            run = yield from _check(context, run, run.job)

        if end := next_step.end_of(run, _now(context, run)):
            return _end(context, before, run, end)
        if run.job and (cause := next_step.cancel_due(run, _now(context, run))):
            run = yield from _cancel(context, run, run.job, cause)

        until = next_step.next_step_at(run, _now(context, run))
        context.set_custom_status(run_status.custom_status(run, next_check_at=until))
        if not context.is_replaying:
            log_progress(logger, context.instance_id, before, run)
        timer_fired = yield from _wait(context, run, until)
    except Exception as error:  # nobody foresaw it; without this the run would lose its reason
        if not context.is_replaying:
            logger.exception("run_broke run=%s", context.instance_id)
        return _end(context, before, run, next_step.end_of_broken(run, failure_of(error)))
    context.continue_as_new(run.waited(until, timer_fired=timer_fired).to_json())
    return None


def _state(context: df.DurableOrchestrationContext) -> Run:
    """Raises RunFailed if the run has failed, or if the instance was started with something else."""
    try:
        run = Run.from_json(context.get_input())
    except ValueError:
        # The error quotes the input, which has no place in a text that the host cuts.
        raise RunFailed(
            reason_text("The input of this instance is no run's state.", ErrorCode.INTERNAL)
        ) from None
    if run.failure:
        raise RunFailed(reason_text(run.failure.message, run.failure.code))
    return run


def _submit(context: df.DurableOrchestrationContext, run: Run) -> Steps:
    purpose = next_step.purpose_of_invoke(run, _now(context, run))
    if purpose is Purpose.SUBMIT and run.identity is None:
        context.set_custom_status(run_status.custom_status(run))
        answer = yield from _attempt(context, AUTHORIZE, {})
        run = run.authorized(answer, _now(context, run))
        if run.identity is None:
            return run
        purpose = next_step.purpose_of_invoke(run, _now(context, run))
    context.set_custom_status(run_status.custom_status(run))
    invoke = {
        "run_id": context.instance_id,
        "request": run.request.model_dump(mode="json"),
        "purpose": purpose,
    }
    answer = yield from _attempt(context, INVOKE, invoke)
    run = run.submitted(answer, _now(context, run), purpose)
    if run.job is not None:
        context.signal_entity(df.EntityId(JOB_OWNER, run.job.name), "own", context.instance_id)
        context.set_custom_status(run_status.custom_status(run))
    return run


def _check(context: df.DurableOrchestrationContext, run: Run, job: Job) -> Steps:
    check = {
        "run_id": context.instance_id,
        "endpoint_uri": run.request.endpoint_uri,
        "job_name": job.name,
    }
    answer = yield from _attempt(context, CHECK_STATUS, check)
    return run.checked(answer, _now(context, run))


def _cancel(context: df.DurableOrchestrationContext, run: Run, job: Job, cause: CancelCause) -> Steps:
    if run.cancellation is None:
        run = run.canceling(cause, _now(context, run))
    cancel = {"job_name": job.name, "workspace_id": job.workspace_id}
    answer = yield from _attempt(context, CANCEL_JOB, cancel)
    return run.cancel_answered(answer, _now(context, run))


def _end(context: df.DurableOrchestrationContext, before: Run, run: Run, end: End) -> dict[str, Any] | None:
    """The result of a completed run; any other gives way to the execution that raises its reason."""
    now = _now(context, run)
    if run.job:
        context.signal_entity(df.EntityId(JOB_OWNER, run.job.name), "release")
    context.set_custom_status(run_status.custom_status(run, end=end, ended_at=now))
    if not context.is_replaying:
        log_progress(logger, context.instance_id, before, run, end)
    if end.error:
        context.continue_as_new(run.failed(end.error).to_json())
        return None
    return run_status.result(run, now)


def _attempt(
    context: df.DurableOrchestrationContext, activity: str, value: dict[str, Any]
) -> Generator[Any, Any, dict[str, Any]]:
    """The activity's answer. Where it broke instead of answering, that is a problem like any other."""
    try:
        answer: dict[str, Any] = yield context.call_activity(activity, value)
    except Exception as error:  # the SDK raises nothing narrower
        broken = RunError(ErrorCode.INTERNAL, f"{activity} broke: {failure_of(error)}", retryable=True)
        return {"error": broken.to_json()}
    return answer


def _wait(context: df.DurableOrchestrationContext, run: Run, until: datetime) -> Generator[Any, Any, bool]:
    """Whether the timer ended the wait; else a nudge did."""
    timer = context.create_timer(timer_for(until))
    nudge = context.wait_for_external_event(NUDGE)
    winner = yield context.task_any([timer, nudge])
    if winner != nudge:
        return True
    timer.cancel()  # type: ignore[attr-defined]  # the SDK declares the base class
    pause_until = next_step.earliest_step_at(run)
    if pause_until > _now(context, run):
        yield context.create_timer(timer_for(pause_until))
    return False


def _now(context: df.DurableOrchestrationContext, run: Run) -> datetime:
    clock: datetime = context.current_utc_datetime
    return run.time(clock)
