"""The end of a job's log, read from Azure ML when somebody asks for it. Nothing of it is kept."""

import asyncio
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from batch.api.log_query import LogQuery
from batch.api.responses import ApiError
from batch.azure_ml.job_log import NoLog, last_lines
from batch.errors import InvalidRequest, RunError
from batch.settings import app_settings
from triggers.known_run import named_run, unknown_run
from triggers.problem_details import error_response

ROUTE = "batch-runs/{run_id}/log"
LONGEST_WAIT = 25
"""Seconds. The page and the client wait for 30."""

bp = df.Blueprint(http_auth_level=func.AuthLevel.FUNCTION)


@bp.route(route=ROUTE, methods=["GET"])
@bp.durable_client_input(client_name="client")
async def get_job_log(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    run_id = req.route_params["run_id"]
    try:
        query = LogQuery.parse(req.params)
        existing = await named_run(client, run_id)
    except InvalidRequest as error:
        return error_response(ApiError.INVALID_REQUEST, str(error), error.errors)
    except RunError as error:
        return error_response(ApiError.STORE_UNAVAILABLE, error.message)
    if existing is None:
        return unknown_run(run_id)
    job, endpoint_uri = existing.view["job"], existing.view["endpoint_uri"]
    if job is None or endpoint_uri is None:
        return error_response(ApiError.NO_LOG, f"Run {run_id} has no job.")
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            text = await last_lines(endpoint_uri, job["name"], query.name, query.tail, app_settings())
    except NoLog as error:
        return error_response(ApiError.NO_LOG, str(error))
    except RunError as error:
        return error_response(ApiError.LOG_UNAVAILABLE, error.message)
    except TimeoutError:
        return error_response(
            ApiError.LOG_UNAVAILABLE, f"Azure ML did not give the log within {LONGEST_WAIT} s."
        )
    return func.HttpResponse(
        text,
        mimetype="text/plain",
        charset="utf-8",
        # A log is whatever a script prints: no browser may take it for anything but text.
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"},
    )
