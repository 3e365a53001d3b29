"""A custom topic of Event Grid: takes CloudEvents with a token for Event Grid, and delivers them to nobody.

The request log has them. It stands among these servers because it checks tokens that the local Entra issued.
"""

import json

from aiohttp import web

from local.azure_ml.entra.identities import Credentials
from local.azure_ml.entra.tokens import TokenAuthority, TokenRefused
from local.azure_ml.errors import Refused, arm_error
from local.azure_ml.server import Call, Route
from local.azure_ml.testing.faults import Operation

_ONE, _SEVERAL = "application/cloudevents+json", "application/cloudevents-batch+json"
_REQUIRED = ("id", "source", "type")


class CustomTopic:
    """Whoever has a role here may send events."""

    def __init__(self, audience: str, principals: tuple[Credentials, ...], tokens: TokenAuthority) -> None:
        self._audience = audience
        self._principals = {principal.client_id: principal for principal in principals}
        self._tokens = tokens

    def routes(self) -> list[Route]:
        return [Route("POST", r"/api/events", Operation.PUBLISH, self._publish)]

    @staticmethod
    def not_found(path: str) -> web.Response:
        return arm_error(404, "NotFound", f"There is nothing at {path}.")

    async def _publish(self, call: Call) -> web.Response:
        self._check_caller(call)
        if call.request.query.get("api-version") != "2018-01-01":
            raise Refused(arm_error(400, "BadRequest", "The api-version is missing or not supported."))
        if not _are_cloud_events(call.request.content_type, call.body):
            raise Refused(arm_error(400, "BadRequest", "The body is not in the schema CloudEventSchemaV1_0."))
        return web.Response(status=200)

    def _check_caller(self, call: Call) -> None:
        try:
            client_id = self._tokens.verify(call.request.headers.get("Authorization"), self._audience)
        except TokenRefused as error:
            raise Refused(arm_error(401, "Unauthorized", str(error))) from error
        caller = self._principals.get(client_id)
        if caller is None or not caller.roles:
            text = f"The client '{client_id}' does not have the role EventGrid Data Sender on this topic."
            raise Refused(arm_error(403, "Forbidden", text))


def _are_cloud_events(content_type: str, body: bytes) -> bool:
    try:
        value = json.loads(body)
    except ValueError:
        return False
    events = value if content_type == _SEVERAL else [value] if content_type == _ONE else None
    return (
        isinstance(events, list)
        and bool(events)
        and all(
            isinstance(event, dict)
            and event.get("specversion") == "1.0"
            and all(isinstance(event.get(name), str) and event[name] for name in _REQUIRED)
            for event in events
        )
    )
