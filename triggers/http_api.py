"""The HTTP API: start a run, show it, list runs, cancel one."""

import logging
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from batch.api.request import IDEMPOTENCY_KEY, parse_request
from batch.api.responses import ApiError, RunList
from batch.api.run_query import RunQuery
from batch.errors import InvalidRequest, RunError
from batch.log import log_event
from batch.run.progress_log import tag_fields
from batch.run.state import Run
from batch.settings import app_settings
from task_hub.run_list import list_runs
from task_hub.runs import NotARun, nudge
from task_hub.starts import start_run
from task_hub.submissions import cancel_submission
from task_hub.tracing import trace_of
from triggers.known_run import named_run, unknown_run
from triggers.problem_details import error_response
from triggers.run_answers import ROUTE, answer_with_links, json_answer, shown

bp = df.Blueprint(http_auth_level=func.AuthLevel.FUNCTION)
logger = logging.getLogger(__name__)


@bp.route(route=ROUTE, methods=["POST"])
@bp.durable_client_input(client_name="client")
async def start_batch_run(req: func.HttpRequest, client: Any, context: func.Context) -> func.HttpResponse:
    """202 with the durable URLs for a new run, 200 with the existing one for the same request again."""
    try:
        run_id, request = parse_request(req.get_body(), req.headers.get(IDEMPOTENCY_KEY), app_settings())
        with trace_of(context):
            existing = await start_run(client, run_id, Run(request=request))
    except InvalidRequest as error:
        return error_response(ApiError.INVALID_REQUEST, f"Nothing was started. {error}", error.errors)
    except NotARun as error:
        return error_response(ApiError.ID_IN_USE, str(error))
    except RunError as error:
        return error_response(ApiError.STORE_UNAVAILABLE, error.message)
    if existing is None:
        tags = tag_fields(request)
        log_event(logger, logging.INFO, "run_started", run=run_id, endpoint=request.endpoint_uri, **tags)
        return answer_with_links(req, client, run_id, status=202)
    if not existing.was_asked_for(request):
        return error_response(
            ApiError.ID_IN_USE,
            f"Run {run_id} exists with another request. Use a new run_id, or send the same request.",
        )
    return answer_with_links(req, client, run_id, status=200, run=existing.view)


@bp.route(route=ROUTE + "/{run_id}", methods=["GET"])
@bp.durable_client_input(client_name="client")
async def get_run(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    run_id = req.route_params["run_id"]
    try:
        existing = await named_run(client, run_id)
    except RunError as error:
        return error_response(ApiError.STORE_UNAVAILABLE, error.message)
    return json_answer(shown(existing.view)) if existing else unknown_run(run_id)


@bp.route(route=ROUTE, methods=["GET"])
@bp.durable_client_input(client_name="client")
async def list_all_runs(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    try:
        runs, continuation = await list_runs(client, RunQuery.parse(req.params))
    except InvalidRequest as error:
        return error_response(ApiError.INVALID_REQUEST, str(error), error.errors)
    except RunError as error:
        return error_response(ApiError.STORE_UNAVAILABLE, error.message)
    page: RunList = {"runs": [shown(run) for run in runs], "continuation": continuation}
    return json_answer(page)


@bp.route(route=ROUTE + "/{run_id}/cancel", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def cancel_run(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Records the cancel, which the run carries out at its next step, and nudges it to take that step now."""
    run_id = req.route_params["run_id"]
    try:
        existing = await named_run(client, run_id)
        if existing is None:
            return unknown_run(run_id)
        if existing.ended:
            return error_response(
                ApiError.ALREADY_ENDED, f"Run {run_id} has already ended: {existing.view['phase']}."
            )
        await cancel_submission(client, run_id)
    except RunError as error:
        return error_response(ApiError.STORE_UNAVAILABLE, error.message)
    await _try_to_nudge(client, run_id)
    log_event(logger, logging.INFO, "cancel_requested", run=run_id)
    return answer_with_links(req, client, run_id, status=202)


async def _try_to_nudge(client: df.DurableOrchestrationClient, run_id: str) -> None:
    try:
        await nudge(client, run_id)
    except Exception as error:  # the SDK raises nothing narrower
        # The cancel is recorded: the run reads it at its next check, unless it has just ended.
        log_event(logger, logging.INFO, "nudge_not_delivered", run=run_id, reason=error)
