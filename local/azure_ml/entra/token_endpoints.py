"""Microsoft Entra: OpenID discovery and the token endpoints (v2.0 with ``scope``, v1 with ``resource``).

Client credentials come as a secret, as an assertion signed with a registered certificate (RFC 7523), or as a
federated token. Error codes are those that Entra documents for the same mistakes.
"""

import base64
import hashlib
import hmac
from urllib.parse import parse_qsl

import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from local.azure_ml.entra.identities import Credentials
from local.azure_ml.entra.tokens import TokenAuthority
from local.azure_ml.errors import Refused, entra_error, json_answer
from local.azure_ml.server import Call, Route
from local.azure_ml.testing.faults import Operation

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Entra:
    """``base_url`` (https://host:port) is set once the port is known."""

    def __init__(
        self,
        tenant_id: str,
        principals: tuple[Credentials, ...],
        audiences: tuple[str, ...],
        tokens: TokenAuthority,
    ) -> None:
        self._tenant_id = tenant_id
        self._clients = {p.client_id: p for p in principals if p.kind == "service-principal"}
        self._certificates = {p.client_id: _certificate(p) for p in self._clients.values()}
        self._audiences = audiences
        self._tokens = tokens
        self.base_url = ""

    def routes(self) -> list[Route]:
        tenant = r"/(?P<tenant>[^/]+)"
        return [
            Route("POST", tenant + r"/oauth2/v2\.0/token", Operation.TOKEN, self._token_v2),
            Route("POST", tenant + r"/oauth2/token", Operation.TOKEN, self._token_v1),
            Route(
                "GET",
                tenant + r"/v2\.0/\.well-known/openid-configuration",
                Operation.DISCOVERY,
                self._openid_configuration,
            ),
        ]

    @staticmethod
    def not_found(path: str) -> web.Response:
        return entra_error(404, "invalid_request", 90014, f"There is nothing at {path}.")

    async def _openid_configuration(self, call: Call) -> web.Response:
        self._check_tenant(call)
        authority = f"{self.base_url}/{self._tenant_id}"
        return json_answer(
            200,
            {
                "issuer": f"{authority}/v2.0",
                "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
                "token_endpoint": f"{authority}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            },
        )

    async def _token_v2(self, call: Call) -> web.Response:
        form = self._form(call)
        scope = form.get("scope", "")
        if not scope.endswith("/.default"):
            raise _refusal(400, "invalid_scope", 70011, f"The provided value for scope {scope} is not valid.")
        client = self._client(call, form)
        issued = self._tokens.issue(self._audience(scope.removesuffix("/.default")), client)
        return json_answer(
            200,
            {
                "token_type": "Bearer",
                "expires_in": issued.lifetime,
                "ext_expires_in": issued.lifetime,
                "access_token": issued.value,
            },
        )

    async def _token_v1(self, call: Call) -> web.Response:
        form = self._form(call)
        client = self._client(call, form)
        issued = self._tokens.issue(self._audience(form.get("resource", "")), client)
        return json_answer(
            200,
            {
                "token_type": "Bearer",
                "expires_in": str(issued.lifetime),
                "ext_expires_in": str(issued.lifetime),
                "expires_on": str(issued.expires_on),
                "not_before": str(issued.expires_on - issued.lifetime),
                "resource": issued.audience,
                "access_token": issued.value,
            },
        )

    def _check_tenant(self, call: Call) -> None:
        tenant = call.names["tenant"]
        if tenant.lower() != self._tenant_id:
            raise _refusal(400, "invalid_tenant", 90002, f"Tenant '{tenant}' not found.")

    def _form(self, call: Call) -> dict[str, str]:
        self._check_tenant(call)
        form = dict(parse_qsl(call.body.decode("utf-8", errors="replace")))
        grant = form.get("grant_type", "")
        if grant != "client_credentials":
            raise _refusal(
                400,
                "unsupported_grant_type",
                70003,
                f"The app requested an unsupported grant type '{grant}'.",
            )
        return form

    def _audience(self, resource: str) -> str:
        for audience in self._audiences:
            if resource.rstrip("/") == audience.rstrip("/"):
                return audience
        raise _refusal(
            400,
            "invalid_resource",
            500011,
            f"The resource principal named {resource} was not found in the tenant named {self._tenant_id}.",
        )

    def _client(self, call: Call, form: dict[str, str]) -> Credentials:
        client_id = form.get("client_id", "")
        client = self._clients.get(client_id)
        if client is None:
            raise _refusal(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{client_id}' was not found in the directory "
                f"'{self._tenant_id}'.",
            )
        if "client_assertion" in form:
            if form.get("client_assertion_type") != _ASSERTION_TYPE:
                raise _refusal(
                    400, "invalid_request", 900144, "The request body must contain client_assertion_type."
                )
            self._check_assertion(client, form["client_assertion"], f"{self.base_url}{call.request.path}")
        elif "client_secret" in form:
            if not _same(form["client_secret"], client.client_secret or ""):
                raise _refusal(
                    401,
                    "invalid_client",
                    7000215,
                    "Invalid client secret provided. Ensure the secret being sent in the request is the "
                    "client secret value, not the client secret ID, for a secret added to app "
                    f"'{client_id}'.",
                )
        else:
            raise _refusal(
                401,
                "invalid_client",
                7000218,
                "The request body must contain the following parameter: 'client_assertion' or "
                "'client_secret'.",
            )
        return client

    def _check_assertion(self, client: Credentials, assertion: str, token_endpoint: str) -> None:
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.InvalidTokenError:
            header = {}
        certificate = self._certificates[client.client_id]
        if "x5t" not in header and "x5t#S256" not in header:
            self._check_federated_token(client, assertion)
            return
        if thumbprints(certificate).isdisjoint((header.get("x5t"), header.get("x5t#S256"))):
            raise _bad_assertion(
                "The key was not found: the certificate used is not registered for this app."
            )
        public_key = certificate.public_key()
        assert isinstance(public_key, rsa.RSAPublicKey)
        try:
            jwt.decode(
                assertion,
                public_key,
                algorithms=["RS256", "PS256"],
                audience=token_endpoint,
                issuer=client.client_id,
                subject=client.client_id,
                options={"require": ["aud", "exp", "iss", "sub"]},
            )
        except jwt.InvalidTokenError as error:
            raise _bad_assertion(f"Client assertion failed validation: {error}.") from error

    @staticmethod
    def _check_federated_token(client: Credentials, assertion: str) -> None:
        expected = client.federated_token_file.read_text() if client.federated_token_file else ""
        if not _same(assertion, expected):
            raise _refusal(
                401,
                "invalid_client",
                70021,
                "No matching federated identity record found for presented assertion.",
            )


def thumbprints(certificate: x509.Certificate) -> set[str]:
    """Both thumbprint forms that a JWT header may carry: ``x5t`` (SHA-1) and ``x5t#S256``."""
    der = certificate.public_bytes(Encoding.DER)
    digests = (hashlib.sha1(der, usedforsecurity=False).digest(), hashlib.sha256(der).digest())
    return {base64.urlsafe_b64encode(digest).decode().rstrip("=") for digest in digests} | {
        base64.urlsafe_b64encode(digest).decode() for digest in digests
    }


def _certificate(client: Credentials) -> x509.Certificate:
    assert client.certificate_path is not None
    return x509.load_pem_x509_certificates(client.certificate_path.read_bytes())[0]


def _same(given: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def _refusal(status: int, error: str, code: int, text: str) -> Refused:
    return Refused(entra_error(status, error, code, text))


def _bad_assertion(text: str) -> Refused:
    return _refusal(401, "invalid_client", 700027, text)
