"""The values with which azd will fill infra/main.parameters.json."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PARAMETERS = Path("infra/main.parameters.json")
SUBSTITUTION = re.compile(r"\$\{(?P<name>\w+)(?:=(?P<default>[^}]*))?\}")
"""A variable in the parameter file, which azd replaces by its value."""

OF_HOOKS = {"WORKSPACE_ROLE": "DataScientist"}
"""Variables with their defaults that are no parameters of main.bicep: the postdeploy hook reads them."""


def current() -> dict[str, str]:
    """The variables of this process, with the answers that azd keeps and with the defaults."""
    parameters = json.loads(PARAMETERS.read_text(encoding="utf-8"))["parameters"]
    return completed(os.environ, parameters, kept_answers(os.environ.get("AZURE_ENV_NAME", "")))


def completed(
    environ: Mapping[str, str], parameters: Mapping[str, Any], answers: Mapping[str, Any]
) -> dict[str, str]:
    """As azd does it: an empty variable counts as unset, and a variable wins over an answer that azd keeps."""
    result = {**environ}
    for parameter, given in parameters.items():
        found = SUBSTITUTION.fullmatch(str(given["value"]))
        if found is not None:
            kept = answers.get(parameter)
            default = kept if isinstance(kept, str) else found["default"] or ""
            result[found["name"]] = environ.get(found["name"]) or default
    return {**result, **{name: environ.get(name) or default for name, default in OF_HOOKS.items()}}


def kept_answers(environment_name: str) -> dict[str, Any]:
    """What azd asked for: it keeps the answers in a file of its own, by parameter. Empty if there is none."""
    path = Path(".azure", environment_name, "config.json")
    try:
        answers = json.loads(path.read_text(encoding="utf-8"))["infra"]["parameters"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return answers if isinstance(answers, dict) else {}
