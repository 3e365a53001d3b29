"""The App Service managed identity endpoint (api-version 2019-08-01), plain http as in App Service."""

import hmac

from aiohttp import web

from local.azure_ml.entra.identities import Credentials
from local.azure_ml.entra.tokens import TokenAuthority
from local.azure_ml.errors import Refused, json_answer
from local.azure_ml.server import Call, Route
from local.azure_ml.testing.faults import Operation

_API_VERSION = "2019-08-01"


class ManagedIdentity:
    def __init__(
        self,
        identity_header: str,
        principals: tuple[Credentials, ...],
        audiences: tuple[str, ...],
        tokens: TokenAuthority,
    ) -> None:
        self._identity_header = identity_header
        self._system = next((p for p in principals if p.kind == "system-assigned"), None)
        self._assigned = {p.client_id: p for p in principals if p.kind == "user-assigned"}
        self._audiences = audiences
        self._tokens = tokens

    def routes(self) -> list[Route]:
        return [Route("GET", r"/msi/token", Operation.IDENTITY, self._token)]

    @staticmethod
    def not_found(path: str) -> web.Response:
        return _answer(404, f"There is nothing at {path}.")

    async def _token(self, call: Call) -> web.Response:
        given = call.request.headers.get("X-IDENTITY-HEADER", "")
        if not hmac.compare_digest(given.encode(), self._identity_header.encode()):
            raise Refused(_answer(401, "The X-IDENTITY-HEADER is missing or wrong."))
        query = call.request.query
        if query.get("api-version") != _API_VERSION:
            raise Refused(_answer(400, f"api-version must be {_API_VERSION}."))
        resource = query.get("resource", "")
        audience = next((a for a in self._audiences if a.rstrip("/") == resource.rstrip("/")), None)
        if audience is None:
            raise Refused(_answer(400, f"The resource {resource!r} is not known."))
        identity = self._identity(query.get("client_id"))
        issued = self._tokens.issue(audience, identity)
        return json_answer(
            200,
            {
                "access_token": issued.value,
                "expires_on": str(issued.expires_on),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": identity.client_id,
            },
        )

    def _identity(self, client_id: str | None) -> Credentials:
        identity = self._system if client_id is None else self._assigned.get(client_id)
        if identity is None:
            asked = (
                "system-assigned identity" if client_id is None else f"identity with client_id {client_id}"
            )
            raise Refused(_answer(400, f"No {asked} is assigned to this app."))
        return identity


def _answer(status: int, message: str) -> web.Response:
    return json_answer(status, {"statusCode": status, "message": message, "correlationId": "local"})
