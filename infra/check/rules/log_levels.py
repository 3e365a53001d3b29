"""Levels in host.json: no line for each step of each run, and no level that silences the lines that alerts read."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.check.findings import Finding, Findings
from infra.check.project import HOST, Project

_STEPS = "Host.Triggers.DurableTask"
_AS_LOGGED = {"Trace", "Debug", "Information"}
_OF_THE_APP = ".User"
"""The end of the category of what a function itself logs: Function.NAME.User."""


def check_log_levels(project: Project) -> Findings:
    logging: dict[str, Any] = project.json(HOST).get("logging", {})
    if logging.get("logLevel", {}).get(_STEPS) != "Warning":
        yield Finding(
            HOST,
            project.line_of(HOST, _STEPS),
            f"logLevel of {_STEPS} must be Warning: it has a line for each step of each run",
        )
    for levels in _sections(logging):
        for category, level in levels.items():
            if level not in _AS_LOGGED and _silences_the_app(category, levels):
                yield Finding(
                    HOST,
                    project.line_of(HOST, f'"{category}"'),
                    f"logLevel {level} of {category} silences lines of the app, which alerts read:"
                    f" name the function, and give Function.NAME{_OF_THE_APP} the level Information",
                )


def _sections(logging: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    """The levels of all providers, then those of each provider."""
    for section in (logging, *(one for one in logging.values() if isinstance(one, dict))):
        if isinstance(levels := section.get("logLevel"), dict):
            yield levels


def _silences_the_app(category: str, levels: Mapping[str, str]) -> bool:
    """A level holds for all categories that begin with its name, unless a longer name has another one."""
    if category.lower() == "default" or category == "Function":
        return True
    if not category.startswith("Function."):
        return False
    return category.endswith(_OF_THE_APP) or levels.get(category + _OF_THE_APP) not in _AS_LOGGED
