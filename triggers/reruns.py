"""Commands for people: run a run again, or all runs that a filter selects."""

import logging
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from batch.api.rerun_query import RerunQuery
from batch.api.rerun_request import parse_rerun
from batch.api.responses import ApiError, RerunPage
from batch.errors import InvalidRequest, RunError
from batch.log import log_event
from batch.run.progress_log import tag_fields
from task_hub.rerun_many import run_many_again
from task_hub.reruns import NotRunAgain, Rerun, run_again
from task_hub.tracing import trace_of
from triggers.known_run import may_be_run_id, unknown_run
from triggers.problem_details import error_response
from triggers.run_answers import ROUTE, answer_with_links, json_answer

bp = df.Blueprint(http_auth_level=func.AuthLevel.FUNCTION)
logger = logging.getLogger(__name__)


@bp.route(route=ROUTE + "/{run_id}/rerun", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def rerun_run(req: func.HttpRequest, client: Any, context: func.Context) -> func.HttpResponse:
    """As for a start: 202 for a new run, 200 with the rerun that is under way."""
    run_id = req.route_params["run_id"]
    if not may_be_run_id(run_id):
        return unknown_run(run_id)
    try:
        confirmed = parse_rerun(req.get_body())
        with trace_of(context):
            rerun = await run_again(client, run_id, confirmed=confirmed)
    except InvalidRequest as error:
        return error_response(ApiError.INVALID_REQUEST, f"Nothing was started. {error}", error.errors)
    except NotRunAgain as error:
        return error_response(error.kind, str(error))
    except RunError as error:
        return error_response(ApiError.STORE_UNAVAILABLE, error.message)
    if rerun.existing is None:
        _log(run_id, rerun)
        return answer_with_links(req, client, rerun.run_id, status=202)
    return answer_with_links(req, client, rerun.run_id, status=200, run=rerun.existing.view)


@bp.route(route=ROUTE + "/rerun", methods=["POST"])
@bp.durable_client_input(client_name="client")
async def rerun_runs(req: func.HttpRequest, client: Any, context: func.Context) -> func.HttpResponse:
    """One part of the list in each call, so that no call is too long for the platform."""
    try:
        query = RerunQuery.parse(req.params, req.get_body())
        with trace_of(context):
            runs, continuation = await run_many_again(client, query, _log)
    except InvalidRequest as error:
        return error_response(ApiError.INVALID_REQUEST, f"Nothing was started. {error}", error.errors)
    except RunError as error:
        return error_response(ApiError.STORE_UNAVAILABLE, error.message)
    page: RerunPage = {"dry_run": query.dry_run, "runs": runs, "continuation": continuation}
    return json_answer(page)


def _log(run_id: str, rerun: Rerun) -> None:
    assert rerun.request is not None, "this call started it"
    log_event(
        logger,
        logging.INFO,
        "run_started",
        run=rerun.run_id,
        endpoint=rerun.request.endpoint_uri,
        rerun_of=run_id,
        **tag_fields(rerun.request),
    )
