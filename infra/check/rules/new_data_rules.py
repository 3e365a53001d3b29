"""The rules for new data are such that the app starts with them: its own model reads them."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from batch.addresses import EndpointUri
from batch.errors import SettingsError
from batch.new_data.settings import RULES, TOPIC, NewData
from batch.settings import Settings
from infra.check.findings import Finding, Findings
from infra.check.project import Project

RULES_FILE = Path("infra/new-data-rules.json")
_SHARED = "/subscriptions/10000000-0000-4000-8000-000000000000/resourceGroups/shared/providers"
_SAMPLE = {
    "AZURE_ML_WORKSPACE_ID": f"{_SHARED}/Microsoft.MachineLearningServices/workspaces/sample",
    "BATCH_ENDPOINT_URI": "https://sample.westeurope.inference.ml.azure.com/jobs",
    TOPIC: f"{_SHARED}/Microsoft.Storage/storageAccounts/sample",
}
"""What only an environment knows, and rules need."""

_BETWEEN_RULES = ", \t\r\n"


def check_new_data_rules(project: Project) -> Findings:
    text = project.read(RULES_FILE)
    settings = {**_SAMPLE, RULES: text, "ALLOWED_ENDPOINT_ORIGINS": ",".join(_named_origins(text))}
    try:
        NewData.from_environment(settings, Settings.from_environment(settings))
    except SettingsError as error:
        message = str(error)
        yield Finding(RULES_FILE, _line(text, message), f"the app would not start: {message}")


def _named_origins(text: str) -> Iterator[str]:
    """Of the endpoints that rules name: which origins are allowed, each environment decides for itself."""
    for found in re.findall(r'"endpoint_uri"\s*:\s*"([^"]*)"', text):
        with suppress(ValueError):
            yield str(EndpointUri.parse(found).origin)


def _line(text: str, message: str) -> int:
    """The line on which the rule begins that the message names; 1 if it names none."""
    named = re.search(r"rule (\d+),", message)
    if named is None:
        return 1
    start = end = text.index("[") + 1
    for _ in range(int(named[1]) + 1):
        start = end + len(text[end:]) - len(text[end:].lstrip(_BETWEEN_RULES))
        _, end = json.JSONDecoder().raw_decode(text, start)
    return text.count("\n", 0, start) + 1
