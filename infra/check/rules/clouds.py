"""The templates work in each cloud of Azure: none of their texts holds an address of one cloud."""

import re

from batch.addresses import CLOUDS
from infra.check.bicep import Template, line, text, walk
from infra.check.findings import Finding, Findings

_DOMAINS = sorted(
    {
        domain
        for cloud in CLOUDS
        for domain in (
            cloud.login_host,
            cloud.arm_host,
            cloud.ml_audience.removeprefix("https://"),
            cloud.ml_api_host,
            cloud.portal_host,
            cloud.storage_suffix,
            cloud.event_grid_host,
        )
    }
)
_ADDRESS = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, _DOMAINS))})(?![\w-])", re.IGNORECASE)


def check_clouds(template: Template) -> Findings:
    for declared in (*template.declarations.values(), *template.outputs.values()):
        # Decorators are not part of the declaration: a description may show an example.
        for node in walk(declared.node):
            found = _ADDRESS.search(text(node)) if node.type == "string_content" else None
            if found:
                yield Finding(
                    template.path,
                    line(node),
                    f"{found[0]} is an address of one cloud: use environment() or a property of the resource,"
                    " or leave it to the app",
                )
