"""The rules for new data, for people who wonder why an upload did or did not start a run."""

from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from batch.api.responses import ApiError
from batch.errors import RunError
from batch.new_data.settings import new_data as new_data_settings
from triggers.problem_details import error_response
from triggers.run_answers import json_answer

ROUTE = "rules"

bp = df.Blueprint(http_auth_level=func.AuthLevel.FUNCTION)


@bp.route(route=ROUTE, methods=["GET"])
@bp.durable_client_input(client_name="client")
async def get_rules(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    # Imported at the first request: a cold start does not wait for what hardly any of them needs.
    from batch.new_data.configured import configured_rules
    from task_hub.rule_list import list_rules

    settings = new_data_settings()
    rules = configured_rules(settings, datetime.now(UTC))
    try:
        return json_answer(await list_rules(client, settings.topic, rules))
    except RunError as error:
        return error_response(ApiError.STORE_UNAVAILABLE, error.message)
