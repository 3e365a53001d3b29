"""The HTTP API as OpenAPI 3.1, generated from the models that validate requests and type answers.

Nothing imports this at start-up: only a request for the document should wait until its schemas are built.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from batch.api import openapi_examples as examples
from batch.api.log_query import DEFAULT_TAIL, MAX_NAME, MAX_TAIL, NAME_PATTERN
from batch.api.request import IDEMPOTENCY_KEY
from batch.api.request_fields import (
    RUN_ID_PATTERN,
    BatchRunRequest,
    JobInput,
    JobOutput,
    JobOverrides,
)
from batch.api.rerun_query import DEFAULT_PHASES, MAX_RERUNS, RERUN_PHASES
from batch.api.rerun_request import RerunRequest
from batch.api.responses import ProblemDetails, RebuiltPart, RerunPage, RunLinks, RunList
from batch.api.rules_view import RulesView
from batch.api.run_query import (
    DEFAULT_TOP,
    ENDPOINT_PATTERN,
    MAX_TOP,
    PREFIX_PATTERN,
    SOURCE_PATTERN,
    TAG_PATTERN,
)
from batch.api.run_view import RunView
from batch.errors import ErrorCode
from batch.run.phases import PHASES
from batch.settings import Settings

JsonObject = dict[str, Any]

_MODELS: tuple[type, ...] = (
    *(BatchRunRequest, RerunRequest),
    *(RunView, RunLinks, RunList, RerunPage, RebuiltPart, RulesView, ProblemDetails),
)
_SENT: tuple[type, ...] = (BatchRunRequest, JobInput, JobOutput, JobOverrides, RerunRequest)
"""What callers send."""
_RUN_ID: JsonObject = {
    "name": "run_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": RUN_ID_PATTERN},
}
_FUNCTION_KEY = {
    "type": "apiKey",
    "in": "header",
    "name": "x-functions-key",
    "description": "A key of the function app. Where the app sits behind Microsoft Entra, its token instead.",
}


def document(settings: Settings, server_url: str) -> JsonObject:
    """The document as this app serves it: ``settings`` say which endpoints a request may name."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Batch endpoint runs",
            "version": "1",
            "summary": "Runs an Azure Machine Learning batch endpoint over data and follows the job to its end.",
        },
        "servers": [{"url": server_url}],
        "security": [{"functionKey": []}],
        "paths": {
            "/batch-runs": {"post": _start(), "get": _list()},
            "/batch-runs/{run_id}": {"get": _get()},
            "/batch-runs/{run_id}/cancel": {"post": _cancel()},
            "/batch-runs/{run_id}/rerun": {"post": _rerun()},
            "/batch-runs/rerun": {"post": _rerun_many()},
            "/batch-runs/{run_id}/log": {"get": _log()},
            "/rules": {"get": _rules()},
            "/ledger/rebuild": {"post": _rebuild()},
        },
        "components": {"schemas": _schemas(settings), "securitySchemes": {"functionKey": _FUNCTION_KEY}},
    }


def _schemas(settings: Settings) -> JsonObject:
    adapters: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        (model.__name__, "validation", TypeAdapter(model)) for model in _MODELS
    ]
    _, definitions = TypeAdapter.json_schemas(adapters, ref_template="#/components/schemas/{model}")
    schemas: JsonObject = definitions["$defs"]
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            # Pydantic's title repeats the field's name.
            field.pop("title", None)
    for model in _SENT:
        for name, field in schemas[model.__name__]["properties"].items():
            schemas[model.__name__]["properties"][name] = _with_named_values(_without_union(field))
    _name_the_endpoints(schemas[BatchRunRequest.__name__], settings)
    return schemas


def _without_union(field: JsonObject) -> JsonObject:
    """A value that may be null has two types in place of a union.

    Of an object that may be null, generators make two classes. It stands alone: absence says the same as null.
    """
    present = [choice for choice in field.get("anyOf", [field]) if choice != {"type": "null"}]
    if len(present) != 1 or "anyOf" not in field:
        return field
    rest = {name: value for name, value in field.items() if name not in ("anyOf", "default")}
    types = present[0].get("type", "object")
    if types == "object":
        return {**present[0], **rest}
    return {**present[0], **rest, "type": [*(types if isinstance(types, list) else [types]), "null"]}


def _with_named_values(field: JsonObject) -> JsonObject:
    """What values have any name of a pattern: generators know nothing of ``patternProperties``."""
    if "patternProperties" not in field:
        return field
    [(pattern, value)] = field["patternProperties"].items()
    rest = {name: each for name, each in field.items() if name != "patternProperties"}
    return {**rest, "additionalProperties": value, "propertyNames": {"pattern": pattern}}


def _name_the_endpoints(request: JsonObject, settings: Settings) -> None:
    """Only allowed endpoints are accepted. A request may omit the endpoint if the app has a default."""
    endpoint = request["properties"]["endpoint_uri"]
    allowed = sorted(f"{origin}/jobs" for origin in settings.allowed_origins)
    request["properties"]["endpoint_uri"] = {
        "description": endpoint["description"],
        "type": "string",
        "enum": allowed,
    }
    if not settings.endpoint_uri:
        request["required"] = ["endpoint_uri"]


def _start() -> JsonObject:
    key = {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "description": "The run_id, for callers that cannot change the body. If both are given, they must be equal.",
        "schema": {"type": "string", "pattern": RUN_ID_PATTERN},
    }
    return {
        "operationId": "startRun",
        "summary": "Start a run, once",
        "description": "The same run_id with the same request returns the existing run and starts nothing."
        " Other spellings than those of the schema are taken, too: numbers as text, null and empty text for what is"
        " absent, uri_folder for UriFolder, and a URI as text in place of an input or output.",
        "parameters": [key],
        "requestBody": {
            "required": True,
            "content": _json(BatchRunRequest, examples.REQUESTS),
        },
        "responses": {
            "202": {
                "description": "Started",
                "headers": _START_HEADERS,
                "content": _json(RunLinks, examples.STARTED),
                "links": _LINKS_TO_RUN,
            },
            "200": {
                "description": "This run_id was started before with the same request; nothing was started",
                "content": _json(RunLinks, examples.STARTED_BEFORE),
            },
            "400": _problem("Every wrong field, by name; nothing was started", examples.BAD_REQUEST),
            "409": _problem("The run_id belongs to another request; nothing was started", examples.CONFLICT),
            **_WRITE_ERRORS,
        },
    }


def _list() -> JsonObject:
    time = {"type": "string", "format": "date-time"}
    phases = {"type": "array", "items": {"type": "string", "enum": list(PHASES)}, "minItems": 1}
    return {
        "operationId": "listRuns",
        "summary": "List runs, a page at a time",
        "description": "The newest first. Runs that start or end meanwhile do not move the pages that follow."
        " A page may hold fewer than top runs and still not be the last.",
        "parameters": [
            {
                **_query(
                    "phase",
                    "Runs in any of these phases; a run that has just moved may be missing for a moment,"
                    " a run that was terminated until the next housekeeping",
                    phases,
                ),
                "style": "form",
                "explode": False,
            },
            _query("started_from", "Runs that started at this time or later", time),
            _query("started_to", "Runs that started at this time or earlier", time),
            _query(
                "prefix",
                "Runs whose run_id begins with this text",
                {"type": "string", "pattern": PREFIX_PATTERN},
            ),
            _query(
                "endpoint",
                "Runs of the endpoint with this scoring URI",
                {"type": "string", "pattern": ENDPOINT_PATTERN, "examples": [examples.ENDPOINT_URI]},
            ),
            _query(
                "source",
                "Runs that new data started, from folders whose container and name begin with this text",
                {"type": "string", "pattern": SOURCE_PATTERN, "examples": ["incoming/2026/"]},
            ),
            _query(
                "tag",
                "Runs with this tag: its name, a colon and its value",
                {"type": "string", "pattern": TAG_PATTERN, "examples": ["team:fraud"]},
            ),
            _query(
                "top",
                "Maximum number of runs in a page",
                {"type": "integer", "minimum": 1, "maximum": MAX_TOP, "default": DEFAULT_TOP},
            ),
            _query(
                "continuation",
                "The value from the previous page, unchanged, with the same filter",
                {"type": "string"},
            ),
        ],
        "responses": {
            "200": {
                "description": "A page",
                "content": _json(RunList, examples.RUN_LIST),
                "links": {
                    "nextPage": {
                        "operationId": "listRuns",
                        "parameters": {"continuation": "$response.body#/continuation"},
                    }
                },
            },
            "400": _problem("A parameter is wrong or unknown", examples.BAD_QUERY),
            **_READ_ERRORS,
        },
    }


def _get() -> JsonObject:
    return {
        "operationId": "getRun",
        "summary": "Show a run",
        "parameters": [_RUN_ID],
        "responses": {
            "200": {"description": "The run", "content": _json(RunView, examples.RUNS)},
            "404": _problem("No such run", examples.UNKNOWN_RUN),
            **_READ_ERRORS,
        },
    }


def _cancel() -> JsonObject:
    return {
        "operationId": "cancelRun",
        "summary": "Cancel the job of a run",
        "description": "The run ends Canceled when its job does. If the job ended first, its outcome counts.",
        "parameters": [_RUN_ID],
        "responses": {
            "202": {"description": "The cancel is requested", "content": _json(RunLinks, examples.STARTED)},
            "404": _problem("No such run", examples.UNKNOWN_RUN),
            "409": _problem("The run has ended already", examples.ENDED_BEFORE),
            **_WRITE_ERRORS,
        },
    }


def _log() -> JsonObject:
    return {
        "operationId": "getJobLog",
        "summary": "Show the end of the job's log",
        "description": "Read from Azure ML at each call, also while the job runs: the log of the step that failed,"
        " or else of the last one.",
        "parameters": [
            _RUN_ID,
            _query(
                "tail",
                "Maximum number of lines, and at most the last MiB of the log",
                {"type": "integer", "minimum": 1, "maximum": MAX_TAIL, "default": DEFAULT_TAIL},
            ),
            _query(
                "name",
                "A file among the logs, for another one than that of the script",
                {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": MAX_NAME,
                    "pattern": NAME_PATTERN,
                    "examples": ["user_logs/std_log.txt"],
                },
            ),
        ],
        "responses": {
            "200": {
                "description": "The last lines",
                "content": {"text/plain": {"schema": {"type": "string"}, "examples": examples.LOG}},
            },
            "400": _problem("A parameter is wrong or unknown", examples.BAD_TAIL),
            "404": _problem("No such run, it has no job, or the job has no such log yet", examples.NO_LOG),
            "502": _problem("Azure ML did not give the log", examples.LOG_UNAVAILABLE),
            **_READ_ERRORS,
        },
    }


def _rerun() -> JsonObject:
    return {
        "operationId": "rerunRun",
        "summary": "Run a run again",
        "description": "A new run with the same request and outputs of its own. While the latest rerun is under way,"
        " it is the answer, and nothing is started. A run that goes on, or of which a job may still run, is run"
        " again only if the caller confirms that there is no job.",
        "parameters": [_RUN_ID],
        "requestBody": {"required": False, "content": _json(RerunRequest, examples.RERUN_REQUESTS)},
        "responses": {
            "202": {
                "description": "Started, as a new run",
                "headers": _START_HEADERS,
                "content": _json(RunLinks, examples.RERUN),
                "links": _LINKS_TO_RUN,
            },
            "200": {
                "description": "The latest rerun is under way; nothing was started",
                "content": _json(RunLinks, examples.RERUN_BEFORE),
            },
            "400": _problem("A field is wrong or unknown; nothing was started", examples.BAD_RERUN),
            "404": _problem("No such run", examples.UNKNOWN_RUN),
            "409": _problem(
                "The run goes on, or its job may; or its output is one place for all runs",
                examples.MAY_HAVE_A_JOB,
            ),
            "410": _problem("The request of the run was purged", examples.REQUEST_GONE),
            **_WRITE_ERRORS,
        },
    }


def _rerun_many() -> JsonObject:
    """The filters are those of the list."""
    phases = {"type": "array", "items": {"type": "string", "enum": list(RERUN_PHASES)}, "minItems": 1}
    listed = {parameter["name"]: parameter for parameter in _list()["parameters"]}
    phase = {**listed.pop("phase"), "schema": {**phases, "default": sorted(DEFAULT_PHASES)}}
    del listed["top"]
    return {
        "operationId": "rerunRuns",
        "summary": "Run all runs again that a filter selects, a part at a time",
        "description": "Runs that ended and did not complete, the newest first. Of a run and its reruns only the"
        " latest is run again, so the same call twice starts nothing twice. A run that cannot be run again does not"
        " stop the others: its reason is in the answer. Begin with dry_run.",
        "parameters": [
            phase,
            *listed.values(),
            _query(
                "error",
                "Runs that ended with this error code",
                {"type": "string", "enum": [code.value for code in ErrorCode]},
            ),
            _query(
                "dry_run",
                "True: only say what would be run again",
                {"type": "boolean", "default": False},
            ),
            _query(
                "top",
                "Maximum number of runs in this call, which may also end earlier",
                {"type": "integer", "minimum": 1, "maximum": MAX_RERUNS, "default": MAX_RERUNS},
            ),
        ],
        "responses": {
            "200": {
                "description": "What became of each run",
                "content": _json(RerunPage, examples.RERUN_PAGES),
                "links": {
                    "nextPart": {
                        "operationId": "rerunRuns",
                        "parameters": {"continuation": "$response.body#/continuation"},
                    }
                },
            },
            "400": _problem("A parameter is wrong or unknown; nothing was started", examples.BAD_QUERY),
            **_WRITE_ERRORS,
        },
    }


def _rules() -> JsonObject:
    return {
        "operationId": "listRules",
        "summary": "Show the rules for new data",
        "description": "Each with how much it took and what it took last, and what no rule took. The counts are for"
        " people: one may be missing after a host was killed, and an event that is delivered again may count again.",
        "responses": {
            "200": {"description": "The rules", "content": _json(RulesView, examples.RULES)},
            **_READ_ERRORS,
        },
    }


def _rebuild() -> JsonObject:
    return {
        "operationId": "rebuildLedger",
        "summary": "List the runs again that only the task hub knows, a part at a time",
        "description": "Reads one part of the task hub, and adds its runs that the ledger does not have. It changes"
        " no run, and may be sent again. Send it with the continuation of each answer until an answer has none.",
        "parameters": [
            _query("continuation", "The value from the previous part, unchanged", {"type": "string"}),
        ],
        "responses": {
            "200": {
                "description": "A part of the task hub was read",
                "content": _json(RebuiltPart, examples.REBUILT_PARTS),
                "links": {
                    "nextPart": {
                        "operationId": "rebuildLedger",
                        "parameters": {"continuation": "$response.body#/continuation"},
                    }
                },
            },
            "400": _problem("A parameter is wrong or unknown", examples.BAD_PART),
            **_READ_ERRORS,
        },
    }


def _query(name: str, description: str, schema: JsonObject) -> JsonObject:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _header(description: str, schema: JsonObject) -> JsonObject:
    return {"description": description, "required": True, "schema": schema}


def _problem(description: str, example: Mapping[str, Any]) -> JsonObject:
    content = _json(ProblemDetails, {"example": example})["application/json"]
    return {"description": description, "content": {"application/problem+json": content}}


def _json(model: type, named_examples: Mapping[str, Any]) -> JsonObject:
    return {
        "application/json": {
            "schema": {"$ref": f"#/components/schemas/{model.__name__}"},
            "examples": {name: {"value": value} for name, value in named_examples.items()},
        }
    }


_LINKS_TO_RUN: JsonObject = {
    name: {"operationId": operation, "parameters": {"run_id": "$response.body#/id"}}
    for name, operation in (("run", "getRun"), ("cancel", "cancelRun"), ("rerun", "rerunRun"))
}
_START_HEADERS: JsonObject = {
    "Location": _header("The durable status URL", {"type": "string"}),
    "Retry-After": _header("Seconds until the first read of the status is useful", {"type": "string"}),
}
_PLATFORM_ERRORS: JsonObject = {
    "401": {"description": "No valid key or token; the platform answers, with an empty body"},
    "500": {"description": "The app or its task hub failed; the body is empty, the log says why"},
}
_WRITE_ERRORS: JsonObject = {
    "503": _problem(
        "The task hub or the ledger is not available: send the request again", examples.LEDGER_UNAVAILABLE
    ),
    **_PLATFORM_ERRORS,
}
_READ_ERRORS: JsonObject = {
    "503": _problem(
        "The task hub or the ledger is not available: send the request again", examples.HUB_UNAVAILABLE
    ),
    **_PLATFORM_ERRORS,
}
