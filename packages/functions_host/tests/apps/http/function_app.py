"""HTTP triggers of every kind, without durable functions."""

import asyncio
import json
import logging
import threading
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ADMIN)


def _seen(req: func.HttpRequest, by: str) -> func.HttpResponse:
    seen = {
        "by": by,
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "query": dict(req.params),
        "route": dict(req.route_params),
        "body": req.get_body().decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route(methods=["GET", "POST"])
def mirror(req: func.HttpRequest) -> func.HttpResponse:
    return _seen(req, "mirror")


@app.route(route="everything")
def any_method(req: func.HttpRequest) -> func.HttpResponse:
    return _seen(req, "any_method")


@app.route(route="things/{id:int}", methods=["GET"])
async def thing_by_number(req: func.HttpRequest) -> func.HttpResponse:
    return _seen(req, "thing_by_number")


@app.route(route="things/{name}", methods=["GET"])
def thing_by_name(req: func.HttpRequest) -> func.HttpResponse:
    return _seen(req, "thing_by_name")


@app.route(route="things/newest", methods=["GET"])
def newest_thing(req: func.HttpRequest) -> func.HttpResponse:
    return _seen(req, "newest_thing")


@app.route(route="things/{name}", methods=["DELETE"])
def delete_thing(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=204)


@app.route(route="optional/{id?}")
def optional(req: func.HttpRequest) -> func.HttpResponse:
    return _seen(req, "optional")


@app.route(route="files/{*path}")
def files(req: func.HttpRequest) -> func.HttpResponse:
    return _seen(req, "files")


@app.route(route="text")
def text(req: func.HttpRequest) -> str:
    return "just text: é"


@app.route(route="binary")
def binary(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(bytes(range(256)), mimetype="application/octet-stream", status_code=201)


@app.route(route="headers")
def headers(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("ok", headers={"X-Mine": "yes", "Content-Length": "9999"})
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly; SameSite=Strict; Max-Age=60")
    response.headers.add("Set-Cookie", "b=2; Secure; Expires=Wed, 01 Jan 2031 00:00:00 GMT")
    return response


@app.route(route="broken")
def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("something the caller must not see")


@app.route(route="nothing")
def nothing(req: func.HttpRequest) -> func.HttpResponse:
    return None


@app.route(route="context")
def with_context(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    trace = context.trace_context
    seen = {
        "function": context.function_name,
        "id": context.invocation_id,
        "traceparent": trace.trace_parent,
        "tracestate": trace.trace_state,
    }
    return func.HttpResponse(json.dumps(seen))


@app.route(route="logs")
def logs(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("said once, by the root logger")
    logging.getLogger("my.module").warning("said once, by a named logger")
    logging.debug("not said")
    return func.HttpResponse("ok")


_both_here = threading.Barrier(2, timeout=5)


@app.route(route="meet/threads")
def meet_on_threads(req: func.HttpRequest) -> func.HttpResponse:
    """Ends only if two calls run at the same time."""
    _both_here.wait()
    return func.HttpResponse(threading.current_thread().name)


@app.route(route="thread")
def thread_name(req: func.HttpRequest) -> str:
    time.sleep(0.05)
    return threading.current_thread().name


_loop_barrier: list[asyncio.Event] = []


@app.route(route="meet/loop")
async def meet_on_the_loop(req: func.HttpRequest) -> func.HttpResponse:
    """Ends only if two calls run at the same time on one loop."""
    if _loop_barrier:
        _loop_barrier[0].set()
    else:
        _loop_barrier.append(asyncio.Event())
        await asyncio.wait_for(_loop_barrier[0].wait(), 5)
    return func.HttpResponse(f"{threading.current_thread().name} {id(asyncio.get_running_loop())}")
