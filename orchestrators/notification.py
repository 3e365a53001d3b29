"""Tells one receiver that a run has ended: tries until it is told, for a day.

Each execution tries once, waits, and continues as new, as a run does. No run waits for it.
"""

import logging
from collections.abc import Generator
from datetime import datetime
from typing import Any

import azure.durable_functions as df

from batch.errors import ErrorCode, RunError
from batch.log import log_event
from batch.names import NOTIFICATION, NOTIFY
from batch.run.notification import Notification, Notified, Notify
from batch.run.reason import failure_of
from batch.run.steps import Failure

bp = df.Blueprint()
logger = logging.getLogger(__name__)


@bp.orchestration_trigger(context_name="context", orchestration=NOTIFICATION)
def notification(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    state = _state(context).begun(_now(context))
    answer = yield from _try(context, state)
    due = state.next_try_at(answer, _now(context))
    if not context.is_replaying:
        _log(state, answer, ended=due is None)
    if due is None:
        return {"sent": answer.sent, "tries": state.tries + 1}
    yield context.create_timer(due)
    context.continue_as_new(state.tried(answer).to_json())
    return None


def _state(context: df.DurableOrchestrationContext) -> Notification:
    try:
        return Notification.from_json(context.get_input())
    except ValueError:
        # The error quotes the input, which must not stand in a text that the host cuts.
        raise ValueError("The input of this instance is not a notification.") from None


def _try(context: df.DurableOrchestrationContext, state: Notification) -> Generator[Any, Any, Notified]:
    asked = Notify(run_id=state.run_id, started_at=state.started_at, receiver=state.receiver)
    try:
        return Notified.from_json((yield context.call_activity(NOTIFY, asked.to_json())))
    except Exception as error:  # the SDK raises nothing narrower
        crash = RunError(ErrorCode.INTERNAL, f"{NOTIFY} crashed: {failure_of(error)}", retryable=True)
        return Notified(error=Failure.of(crash), crashed=True)


def _log(state: Notification, answer: Notified, *, ended: bool) -> None:
    """A receiver that is away for a day makes one warning and one error for each run, not one line for each try."""
    fields = {"run": state.run_id, "receiver": state.receiver, "tries": state.tries + 1}
    reason = answer.error.message if answer.error else None
    if answer.sent:
        log_event(logger, logging.INFO, "notification_sent", **fields)
    elif ended:
        log_event(logger, logging.ERROR, "notification_given_up", **fields, reason=reason or _unsent(answer))
    elif reason and state.failures == 0:
        log_event(logger, logging.WARNING, "notification_failed", **fields, reason=reason)


def _unsent(answer: Notified) -> str:
    if answer.gone:
        return "The run was purged before it could be told."
    if answer.no_turn:
        return "Too many notifications were on their way to the receiver."
    return "The orchestration of the run does not end."


def _now(context: df.DurableOrchestrationContext) -> datetime:
    now: datetime = context.current_utc_datetime
    return now
