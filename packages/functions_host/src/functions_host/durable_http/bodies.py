"""Request bodies of the management API: checked, then passed on as they came."""

import json

from aiohttp import web

from functions_host.durable_http.responses import BadRequestError, InvalidJsonError


async def json_text(request: web.Request) -> str | None:
    """The JSON text of the body, None if it is empty or ``null``. Raises InvalidJsonError."""
    body = await request.read()
    if not body:
        return None
    text = _checked(body)
    return None if text.strip() == "null" else text


async def required_json_text(request: web.Request) -> str:
    """Raises InvalidJsonError."""
    return _checked(await request.read())


async def signal_input(request: web.Request) -> str | None:
    """The input of an entity operation as JSON text: a JSON body unchanged, other content as a JSON string.

    Raises BadRequestError.
    """
    body = await request.read()
    if not body:
        return None
    if request.content_type == "application/json":
        try:
            return _checked(body)
        except InvalidJsonError as error:
            raise BadRequestError(f"Could not parse JSON content: {error}") from error
    return json.dumps(body.decode("utf-8", errors="replace"))


def _checked(body: bytes) -> str:
    try:
        text = body.decode("utf-8-sig")
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidJsonError(str(error)) from error
    return text
