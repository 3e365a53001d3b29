"""The run: authorize, invoke, then check the job until it has ended.

Each execution takes the next step first, then waits on a durable timer or a nudge, then continues as new with one
small state. A plain loop would replay all its checks at every wake-up. A nudge that is lost while one execution
gives way to the next does no harm: the next execution begins with a step.

A run that does not complete ends in an execution of its own, which only raises. The text of a failed orchestrator
carries all its actions with their inputs, and the Functions host cuts whatever looks like a secret out of it: an
input such as ``…/key=1/`` would leave a text that the Durable extension cannot read.
"""

import logging
import warnings
from collections.abc import Generator
from datetime import datetime
from typing import Any, TypeVar

import azure.durable_functions as df

from batch.advice import advice
from batch.durable_timer import timer_for
from batch.errors import ErrorCode, RunError, RunFailed
from batch.names import (
    AUTHORIZE,
    BATCH_RUN,
    CANCEL_JOB,
    CHECK_STATUS,
    EXPLAIN_JOB,
    INVOKE,
    JOB_OWNER,
    JOB_OWNER_OWN,
    LOCATE_OUTPUTS,
    NUDGE,
    RECORD_END,
)
from batch.run.job_retry import run_with_next_job
from batch.run.next_step import cancel_due, earliest_step_at, invoke_mode, next_step_at
from batch.run.outcome import End, end_of, end_of_crashed, explained, failed_job_of
from batch.run.progress_log import log_progress
from batch.run.reason import failure_of, reason_text
from batch.run.state import CancelCause, Run
from batch.run.status import RunResult, RunStatus
from batch.run.steps import (
    Answer,
    Authorized,
    CancelAnswered,
    CancelJob,
    Checked,
    CheckStatus,
    EndRecorded,
    Explained,
    ExplainJob,
    Failure,
    Invoke,
    Invoked,
    InvokeMode,
    Job,
    LocateOutputs,
    OutputLinks,
    OutputsLocated,
    RecordEnd,
)
from orchestrators.earlier_version import describes_its_end, kept_owners_in_entities, patience_of

# The SDK's warning about a nudge that comes before the wait for it: the check that follows is all that it asks for.
warnings.filterwarnings("ignore", message="Potential duplicate Task completion", category=UserWarning)

bp = df.Blueprint()
logger = logging.getLogger(__name__)

A = TypeVar("A", bound=Answer)
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

        now = _now(context, run)
        if end := end_of(run, now):
            end = yield from _explain(context, run, end)
            going_on = run_with_next_job(run, end, _now(context, run))
            if going_on is None:
                return (yield from _end(context, before, run, end, now))
            run = going_on
        if run.job and (cause := cancel_due(run, _now(context, run))):
            run = yield from _cancel(context, run, run.job, cause)

        until = next_step_at(run, _now(context, run))
        _report(context, run, next_check_at=until)
        if not context.is_replaying:
            log_progress(logger, context.instance_id, before, run)
        timer_fired = yield from _wait(context, run, until)
    except Exception as error:  # an unexpected error; without this the run would lose its reason
        if not context.is_replaying:
            logger.exception("run_broke run=%s", context.instance_id)
        end = end_of_crashed(run, failure_of(error))
        return (yield from _end(context, before, run, end, _now(context, run)))
    context.continue_as_new(run.waited(until, timer_fired=timer_fired).to_json())
    return None


def _state(context: df.DurableOrchestrationContext) -> Run:
    """Raises RunFailed if the run has failed, or if the instance was started with something else."""
    try:
        run = Run.from_json(context.get_input())
    except ValueError:
        # The error quotes the input, which must not stand in a text that the host cuts.
        raise RunFailed(
            reason_text("The input of this instance is not the state of a run.", ErrorCode.INTERNAL)
        ) from None
    if run.failure:
        code = run.failure.code
        raise RunFailed(reason_text(run.failure.message, code, advice(code)))
    return run


def _submit(context: df.DurableOrchestrationContext, run: Run) -> Steps:
    mode = invoke_mode(run, _now(context, run))
    if mode is InvokeMode.SUBMIT and run.identity is None:
        _report(context, run)
        authorized = yield from _attempt(context, AUTHORIZE, {}, Authorized)
        run = run.authorized(authorized, _now(context, run), patience_of(context.version))
        if run.identity is None:
            return run
        mode = invoke_mode(run, _now(context, run))
    _report(context, run)
    invoke = Invoke(
        run_id=context.instance_id,
        request=run.job_request,
        purpose=mode,
        job_attempt=run.job_attempt,
        earlier_jobs=run.earlier_job_names,
    )
    invoked = yield from _attempt(context, INVOKE, invoke.to_json(), Invoked)
    run = run.invoked(invoked, _now(context, run), mode, patience_of(context.version))
    if run.job is not None:
        if kept_owners_in_entities(context.version):
            context.signal_entity(df.EntityId(JOB_OWNER, run.job.name), JOB_OWNER_OWN, context.instance_id)
        _report(context, run)
    return run


def _check(context: df.DurableOrchestrationContext, run: Run, job: Job) -> Steps:
    check = CheckStatus(run_id=context.instance_id, endpoint_uri=run.request.endpoint_uri, job_name=job.name)
    checked = yield from _attempt(context, CHECK_STATUS, check.to_json(), Checked)
    return run.checked(checked, _now(context, run), patience_of(context.version))


def _cancel(context: df.DurableOrchestrationContext, run: Run, job: Job, cause: CancelCause) -> Steps:
    if run.cancellation is None:
        run = run.canceling(cause, _now(context, run))
    cancel = CancelJob(run_id=context.instance_id, job_name=job.name, workspace_id=job.workspace_id)
    answer = yield from _attempt(context, CANCEL_JOB, cancel.to_json(), CancelAnswered)
    return run.cancel_answered(answer, _now(context, run), patience_of(context.version))


def _explain(context: df.DurableOrchestrationContext, run: Run, end: End) -> Generator[Any, Any, End]:
    """The end with Azure ML's own reason if a job failed. Without an answer the run ends as it would have."""
    job = failed_job_of(run, end)
    if job is None or not describes_its_end(context.version):
        return end
    explain = ExplainJob(run_id=context.instance_id, endpoint_uri=run.request.endpoint_uri, job_name=job.name)
    answer = yield from _attempt(context, EXPLAIN_JOB, explain.to_json(), Explained)
    return explained(end, answer.reason)


def _end(
    context: df.DurableOrchestrationContext, before: Run, run: Run, end: End, ended_at: datetime
) -> Generator[Any, Any, dict[str, Any] | None]:
    """The result of a completed run. Any other run gives way to the execution that raises its reason."""
    status = RunStatus.of(run, end=end, ended_at=ended_at).to_json()
    context.set_custom_status(status)
    if not context.is_replaying:
        log_progress(logger, context.instance_id, before, run, end)
    links = yield from _locate(context, run, end)
    # Whatever it answers, the run ends: housekeeping brings up to date what is out of date.
    record = RecordEnd(run_id=context.instance_id, status=status)
    yield from _attempt(context, RECORD_END, record.to_json(), EndRecorded)
    if end.error:
        context.continue_as_new(run.failed(end.error).to_json())
        return None
    return RunResult.of(run, ended_at, links).to_json()


def _locate(
    context: df.DurableOrchestrationContext, run: Run, end: End
) -> Generator[Any, Any, dict[str, OutputLinks]]:
    """Where the outputs of a completed run are. Without an answer the run ends as it would have."""
    outputs = run.job_request.output_uris()
    if end.error or run.job is None or not outputs or not describes_its_end(context.version):
        return {}
    locate = LocateOutputs(run_id=context.instance_id, workspace_id=run.job.workspace_id, outputs=outputs)
    located = yield from _attempt(context, LOCATE_OUTPUTS, locate.to_json(), OutputsLocated)
    return located.links


def _attempt(
    context: df.DurableOrchestrationContext, activity: str, value: dict[str, Any], answer: type[A]
) -> Generator[Any, Any, A]:
    """The activity's answer. An activity that raised, or whose answer cannot be read, counts as a failed step."""
    try:
        return answer.from_json((yield context.call_activity(activity, value)))
    except Exception as error:  # the SDK raises nothing narrower
        crash = RunError(ErrorCode.INTERNAL, f"{activity} crashed: {failure_of(error)}", retryable=True)
        return answer(error=Failure.of(crash), crashed=True)


def _report(
    context: df.DurableOrchestrationContext, run: Run, *, next_check_at: datetime | None = None
) -> None:
    context.set_custom_status(RunStatus.of(run, next_check_at=next_check_at).to_json())


def _wait(context: df.DurableOrchestrationContext, run: Run, until: datetime) -> Generator[Any, Any, bool]:
    """Whether the timer ended the wait; else a nudge did."""
    timer = context.create_timer(timer_for(until))
    nudge = context.wait_for_external_event(NUDGE)
    winner = yield context.task_any([timer, nudge])
    if winner != nudge:
        return True
    timer.cancel()  # type: ignore[attr-defined]  # the SDK declares the base class
    pause_until = earliest_step_at(run)
    if pause_until > _now(context, run):
        yield context.create_timer(timer_for(pause_until))
    return False


def _now(context: df.DurableOrchestrationContext, run: Run) -> datetime:
    clock: datetime = context.current_utc_datetime
    return run.time(clock)
