"""Addresses of the emulated Azure ML and credentials for it: ``AzureMlService.info``, and the port file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from local.azure_ml.entra.identities import Credentials, write_private

Identity = Literal["managed-identity", "secret", "certificate", "federated"]


@dataclass(frozen=True)
class ServiceInfo:
    """Addresses have no trailing slash, except ``authority_host``."""

    authority_host: str
    identity_endpoint: str
    scoring_uri: str
    arm_url: str
    run_history_url: str
    control_url: str
    ca_bundle: Path
    ml_audience: str
    arm_audience: str
    tenant_id: str
    subscription_id: str
    resource_group: str
    workspace: str
    workspace_resource_id: str
    endpoint: str
    deployments: tuple[str, ...]
    datastores: dict[str, Path]
    principals: dict[str, Credentials]
    identity_header: str = field(repr=False)

    def write(self, path: Path) -> None:
        """As JSON, for its owner only: it holds the credentials."""
        write_private(path, _INFO.dump_json(self, indent=2) + b"\n")

    @classmethod
    def read(cls, path: Path) -> "ServiceInfo":
        return _INFO.validate_json(path.read_bytes())

    def environment(self, identity: Identity, principal: str | None = None) -> dict[str, str]:
        """The variables that make azure-identity's DefaultAzureCredential sign in as a principal here.

        Without ``principal`` the system-assigned identity, or the service principal ``runner``. Set them in an
        environment without other AZURE_* and IDENTITY_* variables: azure-identity prefers a secret to a
        certificate. Raises ValueError if the principal cannot sign in that way.
        """
        name = principal or next(
            name
            for name, one in self.principals.items()
            if one.kind == ("system-assigned" if identity == "managed-identity" else "service-principal")
        )
        one = self.principals[name]
        if (identity == "managed-identity") == (one.kind == "service-principal"):
            raise ValueError(f"{name} is a {one.kind} and cannot sign in by {identity}")
        common = {"REQUESTS_CA_BUNDLE": str(self.ca_bundle), "AZURE_AUTHORITY_HOST": self.authority_host}
        if identity == "managed-identity":
            assigned = {"AZURE_CLIENT_ID": one.client_id} if one.kind == "user-assigned" else {}
            return {
                **common,
                **assigned,
                "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
                "IDENTITY_ENDPOINT": self.identity_endpoint,
                "IDENTITY_HEADER": self.identity_header,
            }
        environment = {
            **common,
            "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
            "AZURE_TENANT_ID": self.tenant_id,
            "AZURE_CLIENT_ID": one.client_id,
        }
        if identity == "secret":
            environment["AZURE_CLIENT_SECRET"] = one.client_secret or ""
        elif identity == "certificate":
            environment["AZURE_CLIENT_CERTIFICATE_PATH"] = str(one.certificate_path)
        else:
            environment["AZURE_TOKEN_CREDENTIALS"] = "WorkloadIdentityCredential"  # noqa: S105 - a class
            environment["AZURE_FEDERATED_TOKEN_FILE"] = str(one.federated_token_file)
        return environment


_INFO = TypeAdapter(ServiceInfo)
