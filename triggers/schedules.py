"""The clock starts runs: each minute those of the schedules that are due.

Only an app with schedules registers this function (``function_app.py``): each call wakes the app, and is billed.
"""

from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from batch.new_data.settings import new_data as new_data_settings
from task_hub.schedules import start_due
from task_hub.tracing import trace_of

bp = df.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="0 * * * * *", run_on_startup=False)
@bp.durable_client_input(client_name="client")
async def start_scheduled(timer: func.TimerRequest, client: Any, context: func.Context) -> None:
    with trace_of(context):
        await start_due(client, new_data_settings().schedules, datetime.now(UTC))
