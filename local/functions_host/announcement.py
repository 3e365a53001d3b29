"""What the host prints when it is up: the functions it serves, by kind, with their URLs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from local.functions_host.functions import FunctionDefinition
from local.functions_host.http_triggers import HttpRoute

_DURABLE_KINDS = {
    "orchestrationTrigger": "Orchestrators",
    "activityTrigger": "Activities",
    "entityTrigger": "Entities",
}
_SERVED_ELSEWHERE = {"httpTrigger", *_DURABLE_KINDS}


def announcement(url: str, functions: Sequence[FunctionDefinition], routes: Sequence[HttpRoute]) -> str:
    return "\n".join(_lines(url, functions, routes))


def _lines(url: str, functions: Sequence[FunctionDefinition], routes: Sequence[HttpRoute]) -> Iterator[str]:
    if not functions:
        yield "No job functions found. Is every function decorated, and every blueprint registered?"
        return
    if routes:
        yield "HTTP triggers:"
        for route in sorted(routes, key=lambda route: route.function.name):
            methods = ",".join(sorted(route.methods)) or "all"
            yield f"  {route.function.name}: [{methods}] {url}/{route.template.text.strip('/')}"
    for kind, title in _DURABLE_KINDS.items():
        names = sorted(function.durable_name for function in functions if function.trigger_type == kind)
        if names:
            yield f"{title}: {', '.join(names)}"
    for function in functions:
        if function.trigger_type not in _SERVED_ELSEWHERE:
            yield f"Not served here: {function.name} ({function.trigger_type})"
