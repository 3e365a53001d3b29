"""A command for people: lists the runs again that the task hub has and the ledger does not."""

import json
import logging
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from batch.api.rebuild_query import encode_hub_token, parse_rebuild
from batch.api.responses import ApiError, RebuiltPart
from batch.errors import InvalidRequest, RunError
from batch.log import log_event
from task_hub.rebuild import rebuild_part
from triggers.problem_details import error_response

ROUTE = "ledger/rebuild"

bp = df.Blueprint(http_auth_level=func.AuthLevel.FUNCTION)
logger = logging.getLogger(__name__)


@bp.route(route=ROUTE, methods=["POST"])
@bp.durable_client_input(client_name="client")
async def rebuild_ledger(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """One part of the task hub in each call, so that no call is too long for the platform."""
    try:
        part = await rebuild_part(client, parse_rebuild(req.params))
    except InvalidRequest as error:
        return error_response(ApiError.INVALID_REQUEST, str(error), error.errors)
    except RunError as error:
        return error_response(ApiError.STORE_UNAVAILABLE, error.message)
    if part.added:
        log_event(logger, logging.INFO, "ledger_rebuilt", runs=part.added)
    body: RebuiltPart = {
        "instances": part.instances,
        "added": part.added,
        "continuation": encode_hub_token(part.continuation) if part.continuation else None,
    }
    return func.HttpResponse(json.dumps(body) + "\n", mimetype="application/json")
