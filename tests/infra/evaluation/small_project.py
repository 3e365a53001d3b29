"""Templates of a few lines, evaluated."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.check.evaluation.deployment import Deployment, deploy
from infra.check.evaluation.surroundings import Surroundings
from infra.check.project import Project

SUBSCRIPTION = "/subscriptions/one"
SURROUNDINGS = Surroundings("one", "tenant-of-one")


class SmallProject:
    """Files below ``infra/`` of a folder; the first one is deployed."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.main = Path("infra", next(iter(files)))
        self.project = Project(folder, {})
        for name, text in files.items():
            path = folder / "infra" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def deploy(
        self, parameters: Mapping[str, Any] | None = None, surroundings: Surroundings = SURROUNDINGS
    ) -> Deployment:
        return deploy(self.project, self.project.templates[self.main], parameters or {}, surroundings)


def value_of(folder: Path, expression: str, before: str = "") -> Any:
    """The value of one expression in a template that begins with ``before``."""
    text = f"targetScope = 'subscription'\n{before}\noutput found object = {expression}\n"
    return SmallProject(folder, {"main.bicep": text}).deploy().outputs["found"]
