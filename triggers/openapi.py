"""Serves the OpenAPI document."""

import json
from functools import lru_cache

import azure.durable_functions as df
import azure.functions as func

from batch.settings import app_settings
from triggers.own_address import api_root

ROUTE = "openapi.json"

bp = df.Blueprint(http_auth_level=func.AuthLevel.FUNCTION)


@bp.route(route=ROUTE, methods=["GET"])
def get_openapi(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(_document(api_root(req.url, ROUTE)), mimetype="application/json")


@lru_cache(maxsize=4)
def _document(server: str) -> str:
    # Imported at the first request: a cold start must not wait for schemas that hardly any of them needs.
    from batch.api.openapi import document

    return json.dumps(document(app_settings(), server))
