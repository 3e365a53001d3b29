"""In a closed network something waits for each private endpoint: until it is there, nothing reaches its resource."""

from pathlib import Path

from infra.check.bicep import line, text
from infra.check.findings import Finding, Findings
from infra.check.project import MAIN, Project

_ENDPOINT = Path("infra/modules/private-endpoint.bicep")


def check_private_network(project: Project) -> Findings:
    main = project.templates[MAIN]
    modules = main.of_kind("module")
    awaited = {
        text(name)
        for module in modules
        if (names := module.at("dependsOn")) is not None
        for name in names.named_children
    }
    for module in modules:
        if project.module_file(main, module.type_text) == _ENDPOINT and module.name not in awaited:
            yield Finding(
                MAIN,
                line(module.node),
                f"module {module.name}: no module has it in dependsOn, so the app may start before it can reach"
                " the resource",
            )
