"""The built-in activity that sends the requests of ``call_http``."""

import json

import aiohttp

from functions_host.durable.language_worker import InvocationError

_TIMEOUT = aiohttp.ClientTimeout(total=100)  # .NET's default for HttpClient


async def send_request(request_json: str) -> str:
    """Sends ``{method, uri, content, headers}``; returns ``{statusCode, headers, content}``, both JSON.

    An answer with an error status is a result, too. Raises InvocationError when there is no answer.
    """
    request = json.loads(request_json)
    if request.get("tokenSource"):
        raise InvocationError(
            "NotSupportedException: call_http with a token source needs Azure; send the token yourself."
        )
    content = request.get("content")
    headers = dict(request.get("headers") or {})
    if content is not None:
        headers.setdefault("Content-Type", "application/json")
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.request(
                request["method"], request["uri"], data=content, headers=headers, allow_redirects=False
            ) as response,
        ):
            return json.dumps(
                {
                    "statusCode": response.status,
                    "headers": dict(response.headers),
                    "content": await response.text(),
                }
            )
    except (aiohttp.ClientError, TimeoutError) as error:
        raise InvocationError(
            f"HttpRequestException: {request['uri']}: {error or type(error).__name__}"
        ) from error
