"""Runs a workflow of Logic Apps, as far as the sample uses actions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs

from tests.end_to_end.callers.expressions import GENERAL, Functions, evaluated
from tests.end_to_end.callers.web import Failed, Web


def read_definition(path: Path) -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(path.read_text())
    return definition


@dataclass(slots=True)
class WorkflowRun:
    """``posted`` is what the caller of the trigger sends."""

    definition: Mapping[str, Any]
    run_id: str
    parameters: Mapping[str, str]
    posted: Mapping[str, Any]
    web: Web
    bodies: dict[str, Any] = field(default_factory=dict)

    def play(self) -> None:
        """Raises Failed if the workflow run fails."""
        assert self.parameters.keys() == self.definition["parameters"].keys()
        schema = self.definition["triggers"]["manual"]["inputs"]["schema"]
        assert jsonschema_rs.is_valid(schema, dict(self.posted))
        functions: Functions = {
            **GENERAL,
            "parameters": self.parameters.__getitem__,
            "triggerBody": lambda: self.posted,
            "workflow": lambda: {"run": {"name": self.run_id}},
            "body": self.bodies.__getitem__,
        }
        self._all(self.definition["actions"], functions)

    def _all(self, actions: Mapping[str, Any], functions: Functions) -> None:
        before: str | None = None
        for name, action in actions.items():
            assert action["runAfter"] == ({before: ["Succeeded"]} if before else {})
            match action["type"]:
                case "Http":
                    self._http(name, action, functions)
                case "If":
                    branch = action if self._holds(action["expression"], functions) else action["else"]
                    self._all(branch["actions"], functions)
                case "Terminate":
                    said = evaluated(action["inputs"], functions)
                    assert said["runStatus"] == "Failed"
                    raise Failed(f"{said['runError']['code']}: {said['runError']['message']}")
                case other:
                    raise NotImplementedError(other)
            before = name

    def _http(self, name: str, action: Mapping[str, Any], functions: Functions) -> None:
        inputs = evaluated(action["inputs"], functions)
        assert inputs["retryPolicy"] == {"type": "none"}, "the last status must not be asked for again"
        follows = action.get("operationOptions") != "DisableAsyncPattern"
        self.bodies[name] = self.web.call(
            inputs["method"], inputs["uri"], inputs["headers"], inputs["body"], follows=follows
        )

    def _holds(self, expression: Mapping[str, Any], functions: Functions) -> bool:
        [(operator, conditions)] = expression.items()
        assert operator == "and"
        pairs = [evaluated(condition["equals"], functions) for condition in conditions]
        return all(one == other for one, other in pairs)
