"""The ledger of runs is in tables of the app's storage account, whichever backend stores the orchestrations."""

from infra.check.bicep import Declaration, Template, line, literal, text, walk
from infra.check.findings import Finding, Findings
from infra.check.project import MAIN, Project
from infra.check.rules.python_source import Source

_LIBRARY = "azure.data.tables"
_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_ROLE = "storageTableDataContributor"


def check_ledger(project: Project, source: Source) -> Findings:
    """For an app whose source imports the library for tables."""
    if _LIBRARY not in source.imports:
        return
    granting = [
        (template, declared)
        for template in project.templates.values()
        for declared in template.of_kind("resource")
        if _grants_the_role(declared)
    ]
    if not granting:
        yield Finding(MAIN, 1, f"no role assignment grants {_ROLE}, which the app's ledger needs")
    for template, declared in granting:
        if _has_condition(declared):
            yield _conditional(template, declared, f"role assignment {declared.name}")
        for user in project.templates.values():
            for module in user.of_kind("module"):
                if project.module_file(user, module.type_text) == template.path and _has_condition(module):
                    yield _conditional(user, module, f"module {module.name}")
    yield from _private_endpoints(project.templates[MAIN])


def _grants_the_role(declared: Declaration) -> bool:
    role = declared.at("properties", "roleDefinitionId")
    return declared.resource_type == _ASSIGNMENT and role is not None and _ROLE in text(role)


def _has_condition(declared: Declaration) -> bool:
    return declared.value is not None and declared.value.type == "if_statement"


def _conditional(template: Template, declared: Declaration, what: str) -> Finding:
    return Finding(
        template.path,
        line(declared.node),
        f"{what}: the app's ledger needs {_ROLE} with every backend, so no condition may stand here",
    )


def _private_endpoints(main: Template) -> Findings:
    """In a private network, the services of the storage account are those in a list with ``blob``."""
    for module in main.of_kind("module"):
        for node in walk(module.node):
            if node.type != "array":
                continue
            services = {literal(one) for one in node.named_children}
            if "blob" in services and "table" not in services:
                yield Finding(
                    main.path,
                    line(node),
                    f"module {module.name}: the app's ledger needs the service table, too",
                )
