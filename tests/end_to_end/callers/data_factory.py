"""Runs a pipeline of Data Factory, as far as the samples use activities."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.end_to_end.callers.expressions import GENERAL, Functions, evaluated
from tests.end_to_end.callers.web import Failed, Web, pause
from tests.waiting import LIMIT

Activity = Mapping[str, Any]


def read_pipeline(path: Path) -> dict[str, Any]:
    pipeline: dict[str, Any] = json.loads(path.read_text())
    return pipeline


@dataclass(slots=True)
class PipelineRun:
    """``parameters`` are those that the caller passes; the others take their defaults."""

    pipeline: Mapping[str, Any]
    run_id: str
    parameters: Mapping[str, Any]
    web: Web
    outputs: dict[str, Any] = field(default_factory=dict)

    def play(self) -> None:
        """Raises Failed if the pipeline run fails."""
        declared = self.pipeline["properties"]["parameters"]
        assert self.parameters.keys() <= declared.keys()
        values = {name: facts["defaultValue"] for name, facts in declared.items() if "defaultValue" in facts}
        values |= self.parameters
        assert values.keys() == declared.keys(), "each parameter has a value"
        functions: Functions = {
            **GENERAL,
            "pipeline": lambda: {"RunId": self.run_id, "parameters": values},
            "activity": lambda name: {"output": self.outputs[name]},
        }
        self._all(self.pipeline["properties"]["activities"], functions)

    def _all(self, activities: list[Activity], functions: Functions) -> None:
        """Each activity of the samples follows the success of the one before it."""
        before: str | None = None
        for activity in activities:
            conditions = {one["activity"]: one["dependencyConditions"] for one in activity["dependsOn"]}
            assert conditions == ({before: ["Succeeded"]} if before else {})
            kinds: dict[str, Callable[[Activity, Functions], None]] = {
                "WebActivity": partial(self._web, name=activity["name"]),
                "IfCondition": self._if,
                "Until": self._until,
                "Wait": self._wait,
                "Fail": self._fail,
            }
            kinds[activity["type"]](activity["typeProperties"], functions)
            before = activity["name"]

    def _web(self, properties: Activity, functions: Functions, name: str) -> None:
        sent = evaluated(
            {key: properties.get(key) for key in ("method", "url", "headers", "body")}, functions
        )
        self.outputs[name] = self.web.call(**sent, follows=not properties["turnOffAsync"])

    def _if(self, properties: Activity, functions: Functions) -> None:
        holds = evaluated(properties["expression"], functions)
        assert isinstance(holds, bool)
        self._all(properties.get("ifTrueActivities" if holds else "ifFalseActivities", []), functions)

    def _until(self, properties: Activity, functions: Functions) -> None:
        limit = time.monotonic() + LIMIT
        while True:
            self._all(properties["activities"], functions)
            if evaluated(properties["expression"], functions):
                return
            assert time.monotonic() < limit, "the loop does not end"

    def _wait(self, properties: Activity, functions: Functions) -> None:
        pause(evaluated(properties["waitTimeInSeconds"], functions))

    def _fail(self, properties: Activity, functions: Functions) -> None:
        said = evaluated(dict(properties), functions)
        assert said["message"] and said["errorCode"], "the service wants both"
        raise Failed(f"{said['errorCode']}: {said['message']}")
