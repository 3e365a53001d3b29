"""Lists of instances, page by page: the SDK's own queries return the first page and not the token of the next."""

import asyncio
from collections.abc import Mapping
from typing import Any

import azure.durable_functions as df
import requests

_CONTINUATION = "x-ms-continuation-token"


async def instances_page(
    client: df.DurableOrchestrationClient, params: Mapping[str, str], continuation: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Instances as the management API gives them, and the token of the next page (None on the last)."""
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
    answer.raise_for_status()
    return answer.json(), answer.headers.get(_CONTINUATION) or None
