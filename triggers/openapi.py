"""Serves the OpenAPI document."""

import json
from functools import lru_cache
from urllib.parse import urlsplit

import azure.durable_functions as df
import azure.functions as func

from batch.settings import app_settings

ROUTE = "openapi.json"

bp = df.Blueprint(http_auth_level=func.AuthLevel.FUNCTION)


@bp.route(route=ROUTE, methods=["GET"])
def get_openapi(req: func.HttpRequest) -> func.HttpResponse:
    asked = urlsplit(req.url)
    server = f"{asked.scheme}://{asked.netloc}{asked.path.removesuffix(f'/{ROUTE}')}"
    return func.HttpResponse(_document(server), mimetype="application/json")


@lru_cache(maxsize=4)
def _document(server: str) -> str:
    # Imported at the first request: a cold start must not wait for schemas that hardly any of them needs.
    from batch.api.openapi import document

    return json.dumps(document(app_settings(), server))
