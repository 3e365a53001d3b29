"""Composition root: checks the settings, registers the blueprints, and nothing else."""

import gc

# Imports leave next to no garbage: to look for it all the time makes a cold start longer (benchmarks/cold_start.py).
gc.disable()

import azure.durable_functions as df
import azure.functions as func

from activities import (
    authorize,
    cancel_job,
    check_status,
    explain_job,
    ignore_upload,
    invoke,
    locate_outputs,
    notify,
    record_end,
    start_run,
)
from batch.new_data.settings import new_data as new_data_settings
from batch.notification.settings import notification_settings
from entities import earlier_version, folder_window
from orchestrators import batch_run, new_data_window, notification
from task_hub.ledger import check_connection
from triggers import (
    housekeeping,
    http_api,
    job_events,
    job_log,
    monitor,
    new_data,
    openapi,
    rebuild,
    reruns,
    rules,
)

gc.enable()

# An app with a wrong setting or rule must not start: it would drop events, or fail each run.
new_data_settings()
notification_settings()
check_connection()

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
for part in (
    *(http_api, job_log, reruns, rules, rebuild, openapi, monitor),
    *(new_data, job_events, housekeeping),
    *(batch_run, new_data_window, notification),
    *(
        authorize,
        invoke,
        check_status,
        cancel_job,
        explain_job,
        locate_outputs,
        record_end,
        start_run,
        ignore_upload,
        notify,
    ),
    *(folder_window, earlier_version),
):
    app.register_functions(part.bp)

if new_data_settings().schedules:
    from triggers import schedules

    # Without schedules nothing has to wake the app each minute.
    app.register_functions(schedules.bp)
