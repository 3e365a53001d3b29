"""Instances of the task hub, where the SDK's own client hides something.

Its ``get_status`` shows a server error as a missing instance, and its queries return the first page only.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import requests

from batch.errors import ErrorCode, FieldError, InvalidRequest, RunError

_CONTINUATION = "x-ms-continuation-token"


async def instance_status(
    client: df.DurableOrchestrationClient, instance_id: str, *, show_input: bool = False
) -> Any:
    """Its DurableOrchestrationStatus, or None if there surely is none. Raises RunError if the hub can not tell."""
    status = await client.get_status(instance_id, show_input=show_input)
    if status:
        return status
    if getattr(status, "ExceptionMessage", None):
        raise _unavailable(f"it could not tell the status of {instance_id}")
    return None


async def instances_page(
    client: df.DurableOrchestrationClient, params: Mapping[str, str], continuation: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Instances as the management API gives them, and the token of the next page (None on the last).

    Raises InvalidRequest for a token that the hub does not know, RunError if the hub does not answer.
    """
    return await asyncio.to_thread(_get, client, params, continuation)


def _get(
    client: df.DurableOrchestrationClient, params: Mapping[str, str], continuation: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    url = f"{client._orchestration_bindings.rpc_base_url}instances/"
    headers = {_CONTINUATION: continuation} if continuation else {}
    with requests.Session() as session:
        # The host listens on loopback: no proxy is asked.
        session.trust_env = False
        answer = session.get(url, params=params, headers=headers, timeout=60)
    if continuation and answer.status_code == HTTPStatus.BAD_REQUEST:
        raise InvalidRequest([FieldError("continuation", "was not given by a page of this list")])
    if answer.status_code != HTTPStatus.OK:
        raise _unavailable(f"it answered {answer.status_code} when asked for its instances")
    return answer.json(), answer.headers.get(_CONTINUATION) or None


def _unavailable(reason: str) -> RunError:
    return RunError(
        ErrorCode.SERVICE_UNAVAILABLE, f"The task hub is not available: {reason}.", retryable=True
    )
