"""Where the management API of the task hub is, and the name of the task hub.

SDK 1.x has both in an attribute that is not public: the address inside of the host, which needs no key. SDK 2.x has
no such attribute. A method that both have makes the addresses for callers of the app, and the key of the API is in
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.durable_functions as df

_ANY_INSTANCE = "any"


@dataclass(frozen=True, slots=True)
class ManagementApi:
    """``instances`` is the address of all instances. The key is in a header: addresses are logged, headers not."""

    hub_name: str
    instances: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def management_api(client: df.DurableOrchestrationClient) -> ManagementApi:
    binding: Any = getattr(client, "_orchestration_bindings", None)
    if binding is not None and binding.rpc_base_url:
        return ManagementApi(binding.task_hub_name, f"{binding.rpc_base_url}instances/")
    address = urlsplit(client.create_http_management_payload(_ANY_INSTANCE)["statusQueryGetUri"])
    params = dict(parse_qsl(address.query))
    key = params.pop("code", None)
    return ManagementApi(
        params["taskHub"],
        f"{address.scheme}://{address.netloc}{address.path.removesuffix(_ANY_INSTANCE)}",
        params,
        {"x-functions-key": key} if key else {},
    )
