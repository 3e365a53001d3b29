"""What must be on or off, and where secrets may be."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from infra.check.bicep import Declaration, Template, fields, line, literal, text, walk
from infra.check.findings import Finding, Findings
from infra.check.project import Project

_REQUIRED: dict[str, dict[str, object]] = {
    "Microsoft.Storage/storageAccounts": {
        "properties.allowBlobPublicAccess": False,
        "properties.allowSharedKeyAccess": False,
        "properties.minimumTlsVersion": "TLS1_2",
        "properties.supportsHttpsTrafficOnly": True,
    },
    "Microsoft.Storage/storageAccounts/blobServices/containers": {"properties.publicAccess": "None"},
    "Microsoft.Web/sites": {
        "identity.type": "UserAssigned",
        "properties.httpsOnly": True,
        "properties.siteConfig.minTlsVersion": "1.2",
        "properties.functionAppConfig.deployment.storage.authentication.type": "UserAssignedIdentity",
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"properties.allow": False},
    "Microsoft.Insights/components": {"properties.DisableLocalAuth": True},
    "Microsoft.OperationalInsights/workspaces": {"properties.features.disableLocalAuth": True},
    "Microsoft.KeyVault/vaults": {
        "properties.enableRbacAuthorization": True,
        "properties.enableSoftDelete": True,
        "properties.enablePurgeProtection": True,
    },
    "Microsoft.EventGrid/systemTopics": {"identity.type": "SystemAssigned"},
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": {
        "properties.destination.endpointType": "AzureFunction",
        "properties.deadLetterWithResourceIdentity.identity.type": "SystemAssigned",
    },
}
_PRESENT = {
    "Microsoft.Web/sites": ("properties.keyVaultReferenceIdentity",),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": (
        "properties.retryPolicy.maxDeliveryAttempts",
        "properties.retryPolicy.eventTimeToLiveInMinutes",
    ),
}
_SECRET_NAME = re.compile(r"(secret|password|key|(?<=.)token)$", re.IGNORECASE)
_SECRET_SETTINGS = frozenset({"NOTIFICATION_URL"})
"""Besides those whose names say it."""
_KEY_IN_TEXT = re.compile(r"AccountKey=|SharedAccessKey|[?&]code=|sig=", re.IGNORECASE)
_LISTS = re.compile(r"list[A-Z]\w*")


def check_security(template: Template) -> Findings:
    for declared in template.of_kind("resource"):
        if not declared.is_existing:
            yield from _switches(template, declared)
    yield from _parameters(template)
    yield from _calls_and_texts(template)
    for output in template.outputs.values():
        yield from _output(template, output)
    for declared in template.resources("Microsoft.KeyVault/vaults/secrets"):
        yield from _secret(template, declared)


def _switches(template: Template, declared: Declaration) -> Findings:
    resource_type = declared.resource_type
    for path, wanted in _REQUIRED.get(resource_type, {}).items():
        node = declared.at(*path.split("."))
        found = literal(template.resolved(node))
        if found != wanted:
            shown = str(wanted).lower() if isinstance(wanted, bool) else repr(wanted)
            yield Finding(
                template.path, line(node or declared.node), f"{resource_type}: {path} must be {shown}"
            )
    for path in _PRESENT.get(resource_type, ()):
        if declared.at(*path.split(".")) is None:
            yield Finding(template.path, line(declared.node), f"{resource_type}: {path} must be given")


def _parameters(template: Template) -> Findings:
    for declared in template.of_kind("param"):
        secure = "secure" in declared.decorators
        if secure and declared.value is not None and literal(declared.value) != "":
            yield Finding(
                template.path, line(declared.node), f"secret parameter {declared.name} has a default"
            )
        if not secure and declared.type_text == "string" and _SECRET_NAME.search(declared.name):
            yield Finding(
                template.path,
                line(declared.node),
                f"parameter {declared.name} has the name of a secret and is not @secure()",
            )


def check_secret_arguments(project: Project, template: Template) -> Findings:
    """A secret parameter stays secret in the modules that get it, and was secret where it comes from."""
    for module in template.of_kind("module"):
        target = project.templates.get(project.module_file(template, module.type_text))
        given = module.at("params")
        if target is None or given is None:
            continue
        for name, (_, value) in fields(given).items():
            wanted = target.declarations.get(name)
            for possible in template.possible(value):
                passed = template.declarations.get(text(possible))
                if passed is None or wanted is None:
                    continue
                comes_secure, goes_secure = ("secure" in one.decorators for one in (passed, wanted))
                if comes_secure != goes_secure:
                    problem = "takes a secret" if comes_secure else "is secret, and gets a parameter"
                    yield Finding(
                        template.path,
                        line(possible),
                        f"module {module.name}: {name} {problem} without @secure()",
                    )


def _calls_and_texts(template: Template) -> Findings:
    for node in walk(template.root):
        if node.type == "call_expression":
            called = node.named_children[0]
            name = text(called.named_children[-1]) if called.type == "member_expression" else text(called)
            if _LISTS.fullmatch(name):
                yield Finding(template.path, line(node), f"{name}() reads keys; use the identity instead")
        elif node.type == "string_content" and _KEY_IN_TEXT.search(text(node)):
            yield Finding(template.path, line(node), "the text contains a key; use the identity instead")


def _output(template: Template, output: Declaration) -> Findings:
    for name in _reached(template, output.value, set()):
        declared = template.declarations.get(name)
        if declared is not None and "secure" in declared.decorators:
            yield Finding(
                template.path,
                line(output.node),
                f"output {output.name} shows the secret parameter {name}",
            )


def _reached(template: Template, node: Node | None, seen: set[str]) -> Iterator[str]:
    """Names that the expression uses, also through variables."""
    if node is None:
        return
    for one in walk(node):
        name = text(one)
        if one.type == "identifier" and name not in seen:
            seen.add(name)
            yield name
            declared = template.declarations.get(name)
            if declared is not None and declared.kind == "var":
                yield from _reached(template, declared.value, seen)


def _secret(template: Template, declared: Declaration) -> Findings:
    value = declared.at("properties", "value")
    source = template.declarations.get(text(value)) if value is not None else None
    if source is None or "secure" not in source.decorators:
        yield Finding(
            template.path, line(value or declared.node), "the value of a secret must be a @secure() parameter"
        )


def check_publishing_is_off(template: Template) -> Findings:
    """Both ways of publishing with a password are off for each site that a template creates."""
    made = [one for one in template.resources("Microsoft.Web/sites") if not one.is_existing]
    policies = {
        literal(one.at("name"))
        for one in template.resources("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    }
    for site in made:
        for way in sorted({"scm", "ftp"} - {str(one) for one in policies}):
            yield Finding(
                template.path, line(site.node), f"publishing with a password through {way} must be off"
            )


def secret_settings(template: Template, entries: dict[str, tuple[Node, Node]]) -> Findings:
    """App settings that hold secrets are Key Vault references."""
    for name, (key, value) in entries.items():
        is_secret = name.endswith(("_SECRET", "_PASSWORD", "_KEY")) or name in _SECRET_SETTINGS
        if is_secret and "@Microsoft.KeyVault(SecretUri=" not in text(value):
            yield Finding(template.path, line(key), f"app setting {name} must be a Key Vault reference")


def object_entries(template: Template, node: Node | None) -> dict[str, tuple[Node, Node]]:
    """All keys that an object expression can have, also through variables, choices and ``union``."""
    result: dict[str, tuple[Node, Node]] = {}
    for possible in template.possible(node):
        if possible.type == "object":
            result |= fields(possible)
        elif possible.type == "call_expression" and text(possible.named_children[0]) == "union":
            for argument in possible.named_children[1].named_children:
                result |= object_entries(template, argument)
    return result
