"""A function of the app, as the worker's metadata describes it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from functions_host.worker import protos

# The binding property that replaces the function name in durable calls.
_DURABLE_NAME_PROPERTY = {
    "orchestrationTrigger": "orchestration",
    "activityTrigger": "activity",
    "entityTrigger": "entityName",
}


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """One function of the app. ``bindings`` have the form of a function.json and include the trigger."""

    name: str
    function_id: str
    trigger: Mapping[str, Any]
    bindings: Sequence[Mapping[str, Any]]

    @property
    def trigger_type(self) -> str:
        return str(self.trigger["type"])

    @property
    def durable_name(self) -> str:
        override = self.trigger.get(_DURABLE_NAME_PROPERTY.get(self.trigger_type, ""))
        return str(override or self.name)

    @property
    def durable_client_bindings(self) -> Sequence[Mapping[str, Any]]:
        return [binding for binding in self.bindings if binding["type"] == "durableClient"]


def function_definition(metadata: protos.RpcFunctionMetadata) -> FunctionDefinition:
    bindings = [json.loads(text) for text in metadata.raw_bindings]
    # A generic trigger may have a type of any name. This host serves none of them: a wrong choice does no harm.
    trigger = next((b for b in bindings if b["type"].lower().endswith("trigger")), bindings[0])
    return FunctionDefinition(metadata.name, metadata.function_id, trigger, bindings)
