"""Tells one receiver how a run ended, once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch.api.run_view import RunView
from batch.errors import RunError
from batch.names import NOTIFY
from batch.notification.event import cloud_event
from batch.notification.send import NoTurn, send_event
from batch.notification.settings import notification_settings
from batch.run.notification import Notified, Notify
from batch.run.phases import ENDED_RUNTIME_STATUSES
from batch.timestamps import parse_timestamp
from task_hub.known_runs import find_run_since
from task_hub.runs import NotARun

_ENDS_WITHIN = timedelta(minutes=1)
"""How long an orchestration may take to end after its run: a host may be killed right before it."""

bp = df.Blueprint()


@bp.activity_trigger(input_name="value", activity=NOTIFY)
@bp.durable_client_input(client_name="client")
@with_readable_failure
async def notify(value: dict, client: Any) -> Any:  # type: ignore[type-arg]
    """Takes a Notify and answers with a Notified."""
    asked = Notify.from_json(value)
    settings = notification_settings()
    try:
        run = await find_run_since(client, asked.run_id, asked.started_at)
        if run is None:
            return Notified(gone=True).to_json()
        if not _has_ended(run.view, datetime.now(UTC)):
            return Notified(not_ended=True).to_json()
        await send_event(asked.receiver, cloud_event(run.view, settings.source), settings)
    except NotARun:
        return Notified(gone=True).to_json()
    except NoTurn:
        return Notified(no_turn=True).to_json()
    except RunError as error:
        return Notified.failed(error).to_json()
    return Notified(sent=True).to_json()


def _has_ended(view: RunView, now: datetime) -> bool:
    """The receiver is told of an end in all its fields, unless the orchestration needs long for its own."""
    ended_at = parse_timestamp(view["ended_at"])
    return view["runtime_status"] in ENDED_RUNTIME_STATUSES or (
        ended_at is not None and now > ended_at + _ENDS_WITHIN
    )
