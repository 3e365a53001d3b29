"""Instances of the task hub, where the SDK's own client falls short.

Its ``get_status`` returns a missing instance for a server error, and its queries return the first page only.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import requests

from batch import thread_pools
from batch.errors import ErrorCode, RunError
from batch.timestamps import parse_timestamp
from task_hub.management_api import ManagementApi, management_api

STARTS_FOR = timedelta(seconds=10)
"""A caller that may start an instance does it in this time or gives it up."""
STARTS_WITHIN = 2 * STARTS_FOR
"""After this time that caller is stopped or has failed, and another may start the instance."""

_CONTINUATION = "x-ms-continuation-token"


async def instance_status(
    client: df.DurableOrchestrationClient, instance_id: str, *, show_input: bool = False
) -> Any:
    """Its DurableOrchestrationStatus, or None if there is no such instance. Raises RunError if the hub fails."""
    try:
        status = await client.get_status(instance_id, show_input=show_input)
    except Exception as error:  # of the SDK or of its HTTP library, which have no class in common
        raise _no_answer(f"for the status of {instance_id}", error) from None
    if status:
        return status
    if getattr(status, "ExceptionMessage", None):
        raise hub_unavailable(f"it failed when asked for the status of {instance_id}")
    return None


async def entity_state(client: df.DurableOrchestrationClient, entity: df.EntityId) -> Any:
    """None if there is no such entity. Raises RunError if the hub fails."""
    try:
        answer = await client.read_entity_state(entity)
    except Exception as error:  # as above
        raise _no_answer(f"for the entity {entity}", error) from None
    # durable-functions behaviour: an entity that was destructed still exists, its state is null.
    return answer.entity_state if answer.entity_exists else None


async def start_instance(
    client: df.DurableOrchestrationClient, orchestration: str, instance_id: str, value: dict[str, Any]
) -> None:
    """Starts the instance, which the caller has looked for. An instance that has ended would be replaced.

    Callers that come at the same time may all start it. Raises RunError if the task hub fails or takes longer than
    STARTS_FOR.
    """
    try:
        async with asyncio.timeout(STARTS_FOR.total_seconds()):
            try:
                await client.start_new(orchestration, instance_id, value)
            except Exception as error:  # the SDK raises nothing narrower
                # If it is there, only the answer was lost.
                if not await instance_status(client, instance_id):
                    raise hub_unavailable(f"it did not start {instance_id} ({error})") from None
    except TimeoutError:
        raise hub_unavailable(f"it did not start {instance_id} in time") from None


async def instances_page(
    client: df.DurableOrchestrationClient, params: Mapping[str, str], continuation: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Instances as the management API gives them, and the token of the next page (None on the last).

    A token that the hub does not know leads to an empty last page. Raises RunError if the hub does not answer.
    """
    return await thread_pools.task_hub.run(_get, management_api(client), params, continuation)


def time_of(instance: Mapping[str, Any], name: str) -> datetime:
    """``createdTime`` or ``lastUpdatedTime`` of an instance as the management API gives it."""
    moment = parse_timestamp(instance[name])
    assert moment is not None, "the host writes ISO 8601"
    return moment


def _get(
    api: ManagementApi, params: Mapping[str, str], continuation: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    headers = {**api.headers, **({_CONTINUATION: continuation} if continuation else {})}
    try:
        with requests.Session() as session:
            # The host is this app's own: no proxy is asked, and no other host gets the key.
            session.trust_env = False
            answer = session.get(
                api.instances,
                params={**params, **api.params},
                headers=headers,
                timeout=60,
                allow_redirects=False,
            )
    except requests.RequestException as error:
        raise _no_answer("for its instances", error) from None
    if continuation and answer.status_code == HTTPStatus.BAD_REQUEST:
        return [], None
    if answer.status_code != HTTPStatus.OK:
        raise hub_unavailable(f"it answered {answer.status_code} when asked for its instances")
    # durable-functions behaviour: a token may end with a space; on the last page the header is there and empty.
    return answer.json(), answer.headers.get(_CONTINUATION) or None


def hub_unavailable(reason: str) -> RunError:
    return RunError(
        ErrorCode.SERVICE_UNAVAILABLE, f"The task hub is not available: {reason}.", retryable=True
    )


def _no_answer(question: str, error: Exception) -> RunError:
    # The SDK raises a plain Exception, whose text has the status of the answer.
    text = f": {error}" if type(error) is Exception else ""
    return hub_unavailable(f"it gave no answer when asked {question} ({type(error).__name__}{text})")
