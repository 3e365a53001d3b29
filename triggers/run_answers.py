"""Answers about a run: its view, and where to look at it and how to act on it."""

import json

import azure.durable_functions as df
import azure.functions as func

from batch.api.responses import RunLinks
from batch.api.role_command import with_role_command
from batch.api.run_view import RunView
from batch.settings import app_settings
from triggers.own_address import api_root, public_address

ROUTE = "batch-runs"
RETRY_AFTER = "10"
"""Seconds. By then most runs have submitted their job."""
FAILS_WITH_THE_RUN = "returnInternalServerErrorOnFailure=true"


def answer_with_links(
    req: func.HttpRequest,
    client: df.DurableOrchestrationClient,
    run_id: str,
    *,
    status: int,
    run: RunView | None = None,
) -> func.HttpResponse:
    durable: dict[str, str] = json.loads(client.create_check_status_response(req, run_id).get_body())
    run_uri = f"{api_root(req.url, ROUTE)}/{ROUTE}/{run_id}"
    status_uri = public_address(durable["statusQueryGetUri"])
    body: RunLinks = {
        "id": run_id,
        "runUri": run_uri,
        "cancelPostUri": f"{run_uri}/cancel",
        "statusQueryGetUri": status_uri,
    }
    if run is not None:
        body["run"] = shown(run)
    further = durable.keys() - body.keys() if app_settings().gives_management_urls else set()
    headers = {"Location": _failing(status_uri), "Retry-After": RETRY_AFTER} if status == 202 else {}
    return json_answer(
        {**body, **{name: public_address(durable[name]) for name in sorted(further)}}, status, headers
    )


def _failing(status_uri: str) -> str:
    """The status of a run that did not complete is then a 500: what follows a 202 looks at nothing else."""
    return f"{status_uri}{'&' if '?' in status_uri else '?'}{FAILS_WITH_THE_RUN}"


def shown(view: RunView) -> RunView:
    return with_role_command(view, app_settings().workspace_id)


def json_answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> func.HttpResponse:
    return func.HttpResponse(
        json.dumps(body) + "\n", status_code=status, mimetype="application/json", headers=headers or {}
    )
