"""Every identity signs in with the real azure-identity, configured by environment variables only."""

import os

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, DefaultAzureCredential

from local.azure_ml import AzureMlService, Identity
from tests.local.azure_ml.api import Api

ML, ARM = "https://ml.azure.com", "https://management.azure.com"


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_")):
            monkeypatch.delenv(name)
    return monkeypatch


def signed_in(
    clean: pytest.MonkeyPatch, service: AzureMlService, identity: Identity, principal: str | None
) -> DefaultAzureCredential:
    for name, value in service.info.environment(identity, principal).items():
        clean.setenv(name, value)
    return DefaultAzureCredential(disable_instance_discovery=True)


@pytest.mark.parametrize(
    ("identity", "principal"),
    [
        ("managed-identity", "app"),
        ("managed-identity", "shared"),
        ("secret", "runner"),
        ("certificate", "runner"),
        ("federated", "runner"),
    ],
)
def test_signs_in_and_works_with_both_audiences(
    clean: pytest.MonkeyPatch, service: AzureMlService, api: Api, identity: Identity, principal: str
) -> None:
    with signed_in(clean, service, identity, principal) as credential:
        token = credential.get_token(f"{ML}/.default").token
        arm_token = credential.get_token(f"{ARM}/.default").token
    known = service.info.principals[principal]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == ML
    assert (claims["appid"], claims["oid"]) == (known.client_id, known.object_id)
    assert claims["tid"] == service.info.tenant_id
    assert jwt.decode(arm_token, options={"verify_signature": False})["aud"] == ARM

    job = api.started(deployment="noop")
    read = api.session.get(
        f"{service.info.scoring_uri}/{job}", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    assert read.status_code == 200
    listed = api.session.get(
        api.jobs_url(f"/{job}?api-version=2025-12-01"),
        headers={"Authorization": f"Bearer {arm_token}"},
        timeout=10,
    )
    assert listed.status_code == 200


def test_a_short_token_is_renewed(clean: pytest.MonkeyPatch, start_service) -> None:
    """azure-identity renews a token that is about to expire, so each later read asks again."""
    service = start_service(token_lifetime=60)
    with signed_in(clean, service, "secret", None) as credential:
        first = credential.get_token(f"{ML}/.default")
        second = credential.get_token(f"{ML}/.default")
    assert first.token != second.token
    assert service.control.counters()["token"]["requests"] == 2


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("AZURE_CLIENT_SECRET", "wrong", "AADSTS7000215"),
        ("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000000", "AADSTS700016"),
    ],
)
def test_entra_names_the_error(
    clean: pytest.MonkeyPatch, service: AzureMlService, variable: str, value: str, code: str
) -> None:
    for name, known in service.info.environment("secret").items():
        clean.setenv(name, known)
    clean.setenv(variable, value)
    with (
        DefaultAzureCredential(disable_instance_discovery=True) as credential,
        pytest.raises(ClientAuthenticationError, match=code),
    ):
        credential.get_token(f"{ML}/.default")


def test_an_unknown_tenant_is_refused(clean: pytest.MonkeyPatch, service: AzureMlService) -> None:
    for name, known in service.info.environment("secret").items():
        clean.setenv(name, known)
    clean.setenv("AZURE_TENANT_ID", "11111111-2222-3333-4444-555555555555")
    with (
        DefaultAzureCredential(disable_instance_discovery=True) as credential,
        pytest.raises(ClientAuthenticationError, match="authority configuration"),
    ):
        credential.get_token(f"{ML}/.default")


def test_a_certificate_of_another_app_is_refused(clean: pytest.MonkeyPatch, service: AzureMlService) -> None:
    environment = service.info.environment("certificate", "runner")
    other = service.info.environment("certificate", "stranger")
    environment["AZURE_CLIENT_CERTIFICATE_PATH"] = other["AZURE_CLIENT_CERTIFICATE_PATH"]
    for name, known in environment.items():
        clean.setenv(name, known)
    with (
        DefaultAzureCredential(disable_instance_discovery=True) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS700027"),
    ):
        credential.get_token(f"{ML}/.default")


def test_a_federated_token_that_is_not_configured_is_refused(
    clean: pytest.MonkeyPatch, service: AzureMlService, tmp_path
) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("not-this-one")
    for name, known in (
        service.info.environment("federated") | {"AZURE_FEDERATED_TOKEN_FILE": str(wrong)}
    ).items():
        clean.setenv(name, known)
    with (
        DefaultAzureCredential(disable_instance_discovery=True) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS70021"),
    ):
        credential.get_token(f"{ML}/.default")


@pytest.mark.parametrize(
    ("variable", "value"),
    [("IDENTITY_HEADER", "wrong"), ("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000000")],
)
def test_managed_identity_that_is_not_there(
    clean: pytest.MonkeyPatch, service: AzureMlService, variable: str, value: str
) -> None:
    for name, known in service.info.environment("managed-identity").items():
        clean.setenv(name, known)
    clean.setenv(variable, value)
    with (
        DefaultAzureCredential(disable_instance_discovery=True) as credential,
        pytest.raises((ClientAuthenticationError, CredentialUnavailableError)),
    ):
        credential.get_token(f"{ML}/.default")
    assert {record["status"] for record in service.control.requests("identity")} <= {400, 401}


def test_the_environment_names_impossible_sign_ins(service: AzureMlService) -> None:
    with pytest.raises(ValueError, match="shared is a user-assigned"):
        service.info.environment("secret", "shared")
    with pytest.raises(ValueError, match="runner is a service-principal"):
        service.info.environment("managed-identity", "runner")
