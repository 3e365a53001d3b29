"""Writes ``infra/check/language/bicep_schema.json``, the table with which the templates are compared.

    python -m venv /tmp/azmcp && /tmp/azmcp/bin/pip install msmcp-azure==3.0.0
    python -m infra.check.language.make_bicep_schema /tmp/azmcp/bin/azmcp

Run both in the project's folder, the second with the Python of ``.venv``; it takes about two minutes. ``azmcp``
prints the published Bicep type data of one API version for each resource type, without network or login. Types that
it lacks are in ``hand_written_schema.json``, in the same form. A definition is
``{properties, required, readOnly, additional}`` or, where one property selects among several shapes,
``{discriminator, base, branches}``. A property's type is ``string``, ``int``, ``bool``, ``any``, the name of a
definition, ``T[]``, or alternatives separated by `` | ``. If the last alternative is ``string``, other values are
allowed, too.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TARGET = HERE / "bicep_schema.json"
HAND_WRITTEN = HERE / "hand_written_schema.json"
TOOL = "msmcp-azure 3.0.0"
PRIMITIVES = {"string", "int", "bool", "any", "null"}
CORRECTIONS = {
    # Without it the service refuses to overwrite a saved search: issue 1548 of Azure/bicep-types-az.
    ("Microsoft.OperationalInsights/workspaces/savedSearches", "SavedSearchProperties"): {"etag": "string"},
}
"""Properties that the published type data lacks, by resource type and definition."""

DEEPEST = 6
"""Levels of definitions that are kept; deeper ones become ``any``. No template of this project is deeper."""

PUBLISHED = (
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Authorization/roleDefinitions",
    "Microsoft.EventGrid/systemTopics",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions",
    "Microsoft.EventGrid/topics",
    "Microsoft.Insights/components",
    "Microsoft.KeyVault/vaults",
    "Microsoft.KeyVault/vaults/secrets",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "Microsoft.Network/privateEndpoints",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.OperationalInsights/workspaces/savedSearches",
    "Microsoft.Resources/resourceGroups",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Web/serverfarms",
    "Microsoft.Web/sites",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
    "Microsoft.Web/sites/config",
)


def main(azmcp: str) -> None:
    types = {name: _published(name, _ask(azmcp, name)) for name in PUBLISHED}
    for (name, definition), properties in CORRECTIONS.items():
        types[name]["definitions"][definition]["properties"] |= properties
    types |= json.loads(HAND_WRITTEN.read_text())
    lines = [f" {json.dumps(name)}: {_dump(types[name])}" for name in sorted(types)]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _ask(azmcp: str, name: str) -> list[dict[str, Any]]:
    command = [azmcp, "bicepschema", "get", "--resource-type", name]
    environment = os.environ | {"AZURE_MCP_COLLECT_TELEMETRY": "false"}
    answer = subprocess.run(command, capture_output=True, check=True, env=environment)  # noqa: S603
    result: list[dict[str, Any]] = json.loads(answer.stdout)["results"]["BicepSchemaResult"]
    return result


def _published(name: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    resource = next(entry for entry in entries if entry["$type"] == "Resource")
    raw = {entry["name"]: entry for entry in entries if entry["$type"] in ("Object", "DiscriminatedObject")}
    raw["body"] = resource["bodyType"]
    definitions: dict[str, Any] = {}
    waiting = [("body", 0)]
    while waiting:
        current, depth = waiting.pop(0)
        if current in definitions:
            continue
        definitions[current] = _definition(raw[current], raw, keep=depth < DEEPEST)
        waiting += [(used, depth + 1) for used in sorted(_names(definitions[current]) & raw.keys())]
    return {
        "version": resource["name"].rpartition("@")[2],
        "source": TOOL,
        "scopes": resource["writableScopes"],
        "definitions": definitions,
    }


def _definition(entry: dict[str, Any], raw: dict[str, Any], *, keep: bool) -> dict[str, Any]:
    if entry["$type"] == "DiscriminatedObject":
        discriminator = entry["discriminator"]
        branches = {}
        for element in entry["elements"]:
            literal = next(p["type"] for p in element["properties"] if p["name"] == discriminator)
            branches[literal] = _object(element, raw, keep=keep)
        return {
            "discriminator": discriminator,
            "base": _object({"properties": entry["baseProperties"]}, raw, keep=keep),
            "branches": branches,
        }
    return _object(entry, raw, keep=keep)


def _object(entry: dict[str, Any], raw: dict[str, Any], *, keep: bool) -> dict[str, Any]:
    flags = {p["name"]: p.get("flags", "") for p in entry["properties"]}
    types = {p["name"]: _simple(p["type"], raw, keep=keep) for p in entry["properties"]}
    result: dict[str, Any] = {"properties": dict(sorted(types.items()))}
    if required := sorted(name for name, text in flags.items() if "Required" in text):
        result["required"] = required
    if read_only := sorted(name for name, text in flags.items() if "ReadOnly" in text):
        result["readOnly"] = read_only
    if additional := entry.get("additionalPropertiesType"):
        result["additional"] = _simple(additional, raw, keep=keep)
    return result


def _simple(expression: str, raw: dict[str, Any], *, keep: bool) -> str:
    """The same expression; ``any`` for a definition that is missing or too deep."""
    named = expression.rstrip("[]")
    if named in PRIMITIVES or " | " in expression or (named in raw and keep):
        return expression
    return "any" if named in raw or expression.endswith("[]") else expression


def _names(definition: object) -> set[str]:
    return set(re.findall(r"[\w.]+", json.dumps(definition)))


def _dump(entry: dict[str, Any]) -> str:
    head = {key: value for key, value in entry.items() if key != "definitions"}
    lines = [f"   {json.dumps(name)}: {json.dumps(text)}" for name, text in entry["definitions"].items()]
    return json.dumps(head)[:-1] + ', "definitions": {\n' + ",\n".join(lines) + "\n  }}"


if __name__ == "__main__":
    main(sys.argv[1])
