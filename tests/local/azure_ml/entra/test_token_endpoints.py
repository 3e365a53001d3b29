"""The token endpoints, called without azure-identity: v1, bad requests, client assertions."""

import time

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from local.azure_ml.entra.token_endpoints import thumbprints
from tests.local.azure_ml.api import Api

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def form(api: Api, **changes: str | None) -> dict[str, str]:
    fields: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "client_id": api.principal.client_id,
        "client_secret": api.principal.client_secret,
        "scope": f"{api.info.ml_audience}/.default",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def post(api: Api, fields: dict[str, str], path: str = "/oauth2/v2.0/token", tenant: str | None = None):
    url = f"{api.info.authority_host}{tenant or api.info.tenant_id}{path}"
    return api.session.post(url, data=fields, timeout=10)


def test_v1_answers_with_texts_for_numbers(api: Api) -> None:
    asked_at = int(time.time())
    answer = post(api, form(api, scope=None, resource="https://ml.azure.com"), "/oauth2/token").json()
    assert answer["resource"] == "https://ml.azure.com"
    assert answer["expires_in"] == "3600"
    assert asked_at + 3600 <= int(answer["expires_on"]) <= time.time() + 3600
    assert (
        jwt.decode(answer["access_token"], options={"verify_signature": False})["aud"]
        == "https://ml.azure.com"
    )


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_id": "nobody"}, 400, "unauthorized_client", 700016),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "https://ml.azure.com/user_impersonation"}, 400, "invalid_scope", 70011),
        ({"scope": "https://unknown.example/.default"}, 400, "invalid_resource", 500011),
        ({"client_assertion": "x"}, 400, "invalid_request", 900144),
        ({"client_assertion": "x", "client_assertion_type": ASSERTION}, 401, "invalid_client", 70021),
    ],
)
def test_refusals(api: Api, changes: dict[str, str | None], status: int, error: str, code: int) -> None:
    answer = post(api, form(api, **changes))
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= set(body)
    assert str(api.principal.client_secret) not in answer.text


def test_unknown_tenant(api: Api) -> None:
    answer = post(api, form(api), tenant="common")
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://login.microsoftonline.com/other/oauth2/v2.0/token"},
        {"iss": "someone-else"},
        {"sub": "someone-else"},
        {"exp": 1},
    ],
)
def test_a_signed_assertion_must_fit(api: Api, changes: dict[str, object]) -> None:
    assert api.principal.certificate_path is not None
    pem = api.principal.certificate_path.read_bytes()
    key = load_pem_private_key(pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    endpoint = f"{api.info.authority_host}{api.info.tenant_id}/oauth2/v2.0/token"
    client_id = api.principal.client_id
    claims = {"aud": endpoint, "iss": client_id, "sub": client_id, "exp": int(time.time()) + 60}
    thumbprint = min(thumbprints(x509.load_pem_x509_certificates(pem)[0]), key=len)

    def send(payload: dict[str, object]) -> int:
        assertion = jwt.encode(payload, key, algorithm="RS256", headers={"x5t": thumbprint})
        fields = form(api, client_secret=None, client_assertion=assertion, client_assertion_type=ASSERTION)
        return post(api, fields).status_code

    assert send(dict(claims)) == 200
    assert send({**claims, **changes}) == 401


def test_the_request_log_keeps_no_secret(api: Api) -> None:
    api.token(api.info.ml_audience)
    [record] = api.control.requests("token")
    assert record["body"]["client_secret"] == "***"
    assert record["body"]["client_id"] == api.principal.client_id
    assert str(api.principal.client_secret) not in str(record)


def test_managed_identity_endpoint(api: Api) -> None:
    def ask(header: str | None, **query: str):
        return api.session.get(
            api.info.identity_endpoint,
            params={"api-version": "2019-08-01", "resource": "https://ml.azure.com", **query},
            headers={"X-IDENTITY-HEADER": header} if header else {},
            timeout=10,
        )

    right = api.info.identity_header
    asked_at = int(time.time())
    answer = ask(right).json()
    assert asked_at + 3600 <= int(answer["expires_on"]) <= time.time() + 3600
    assert answer["token_type"] == "Bearer"
    shared = api.info.principals["shared"].client_id
    assert ask(right, client_id=shared).json()["client_id"] == shared
    assert ask("wrong").status_code == 401
    assert ask(None).status_code == 401
    assert ask(right, client_id="unknown").status_code == 400
    assert ask(right, resource="https://unknown.example").status_code == 400
    assert ask(right, **{"api-version": "2017-09-01"}).status_code == 400
