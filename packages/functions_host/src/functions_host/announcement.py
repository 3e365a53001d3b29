"""The text that the host prints when it is ready: the functions it serves, by kind, with their URLs."""

from collections.abc import Iterator, Sequence

from functions_host.http.triggers import HttpRoute
from functions_host.triggers import event_grid, timer
from functions_host.worker.functions import FunctionDefinition

_DURABLE_KINDS = {
    "orchestrationTrigger": "Orchestrators",
    "activityTrigger": "Activities",
    "entityTrigger": "Entities",
}
_SERVED = {
    "httpTrigger",
    event_grid.TRIGGER_TYPE,
    timer.TRIGGER_TYPE,
    *_DURABLE_KINDS,
}


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
    yield from _event_grid_lines(url, _of_type(event_grid.TRIGGER_TYPE, functions))
    yield from _timer_lines(_of_type(timer.TRIGGER_TYPE, functions))
    for kind, title in _DURABLE_KINDS.items():
        names = sorted(function.durable_name for function in functions if function.trigger_type == kind)
        if names:
            yield f"{title}: {', '.join(names)}"
    for function in functions:
        if function.trigger_type not in _SERVED:
            yield f"Not served here: {function.name} ({function.trigger_type})"


def _event_grid_lines(url: str, functions: Sequence[FunctionDefinition]) -> Iterator[str]:
    if functions:
        yield "Event Grid triggers:"
        for function in functions:
            yield f"  {function.name}: {url}{event_grid.WEBHOOK_PATH}?functionName={function.name}"


def _timer_lines(functions: Sequence[FunctionDefinition]) -> Iterator[str]:
    if functions:
        yield "Timer triggers:"
        for function in functions:
            yield f"  {function.name}: {function.trigger['schedule']}"


def _of_type(trigger_type: str, functions: Sequence[FunctionDefinition]) -> Sequence[FunctionDefinition]:
    found = [function for function in functions if function.trigger_type == trigger_type]
    return sorted(found, key=lambda function: function.name)
