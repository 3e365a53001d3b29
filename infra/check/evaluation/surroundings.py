"""Where a template is deployed: cloud, subscription and tenant, and what Azure answers there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.check.evaluation.values import Value, WrongArgument


@dataclass(frozen=True, slots=True)
class Cloud:
    """What the templates use of ``environment()``. Whether each cloud ends its URLs with a slash is not verified."""

    name: str
    resource_manager: str
    login_endpoint: str
    storage_suffix: str
    key_vault_dns: str

    def as_value(self) -> dict[str, Value]:
        return {
            "name": self.name,
            "resourceManager": self.resource_manager,
            "authentication": {"loginEndpoint": self.login_endpoint},
            "suffixes": {"storage": self.storage_suffix, "keyvaultDns": self.key_vault_dns},
        }


PUBLIC = Cloud(
    "AzureCloud",
    "https://management.azure.com/",
    "https://login.microsoftonline.com/",
    "core.windows.net",
    ".vault.azure.net",
)
US_GOVERNMENT = Cloud(
    "AzureUSGovernment",
    "https://management.usgovcloudapi.net/",
    "https://login.microsoftonline.us/",
    "core.usgovcloudapi.net",
    ".vault.usgovcloudapi.net",
)
CHINA = Cloud(
    "AzureChinaCloud",
    "https://management.chinacloudapi.cn/",
    "https://login.chinacloudapi.cn/",
    "core.chinacloudapi.cn",
    ".vault.azure.cn",
)

Answer = Callable[[str, str], Mapping[str, Value]]
"""What is known of a resource of this type with this name, besides what its declaration says."""


def nothing_known(_type: str, _name: str) -> Mapping[str, Value]:
    return {}


@dataclass(frozen=True, slots=True)
class Surroundings:
    subscription: str
    tenant: str
    cloud: Cloud = PUBLIC
    answer: Answer = nothing_known


def functions_of(scope: str, surroundings: Surroundings) -> dict[str, Callable[..., Value]]:
    """The functions whose values depend on the place. ``scope`` is the id of a subscription or of a group."""
    own = scope.split("/")
    subscription = own[2]

    def resource_group(*path: str) -> Value:
        """The own one; that with a name; or that of another subscription."""
        if not path and len(own) < 5:
            raise WrongArgument("this template is for a subscription, not for a resource group")
        of, name = (subscription, own[4]) if not path else (subscription, *path)[-2:]
        return {"id": f"/subscriptions/{of}/resourceGroups/{name}", "name": name}

    return {
        "environment": surroundings.cloud.as_value,
        "resourceGroup": resource_group,
        "subscription": lambda: {
            "id": f"/subscriptions/{subscription}",
            "subscriptionId": subscription,
            "tenantId": surroundings.tenant,
        },
        "subscriptionResourceId": lambda kind, name: f"/subscriptions/{subscription}/providers/{kind}/{name}",
        "tenant": lambda: {"tenantId": surroundings.tenant},
    }
