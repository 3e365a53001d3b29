"""docs/deployment.md names every option and role of the templates; its picture has the texts of its source."""

import json
import re
from html import unescape

from infra.check.bicep import text
from infra.check.project import MAIN, Project
from tests.docs.pages import DOCS, DOCUMENTS, ROOT, table

TEXT = (DOCS / "deployment.md").read_text()
ASKED_FOR = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_ML_WORKSPACE_ID"}
TEMPLATE = Project(ROOT, {}).templates[MAIN]
PARAMETER_OF = {
    match[1]: name
    for name, given in json.loads((ROOT / "infra/main.parameters.json").read_text())["parameters"].items()
    if (match := re.match(r"\$\{(\w+)", given["value"]))
}
"""The parameter of the template, by the variable of the environment."""


def test_every_option_is_named() -> None:
    parameters = (ROOT / "infra/main.parameters.json").read_text()
    options = set(re.findall(r"\$\{(\w+)", parameters)) - ASKED_FOR
    assert {option for option in options if f"`{option}" not in TEXT} == set()


def test_commands_name_variables_that_exist() -> None:
    """Those that a person sets are options; those that are read may be outputs, too."""
    commands = re.findall(
        r"azd env (set|get-value) ([A-Z]+_[A-Z_]+)\b", "".join(path.read_text() for path in DOCUMENTS)
    )
    assert {name for verb, name in commands if verb == "set"} <= {*PARAMETER_OF, "WORKSPACE_ROLE"}
    assert {name for verb, name in commands if verb == "get-value"} <= {*PARAMETER_OF, *TEMPLATE.outputs}


def test_provisioning_alone_is_enough_only_for_options_that_no_hook_passes_on() -> None:
    [named] = [row[0] for row in table(TEXT, "you changed", "run") if row[1] == "`azd provision`"]
    options = set(re.findall(r"`(\w+)`", named))
    assert options <= PARAMETER_OF.keys() - {"DURABLE_BACKEND"}
    connects = " ".join(text(output.node) for name, output in TEMPLATE.outputs.items() if "CONNECT" in name)
    passed_on = {name for name in options if re.search(rf"\b{PARAMETER_OF[name]}\b", connects)}
    assert options and passed_on == set()
    assert re.search(rf"\b{PARAMETER_OF['NEW_DATA_PREFIX']}\b", connects), "such an option is recognised"


def test_every_role_is_named() -> None:
    roles = json.loads((ROOT / "infra/check/rules/roles.json").read_text()).values()
    letters = re.sub(r"\W", "", TEXT).lower()
    assert {role["name"] for role in roles if role["name"].lower() not in letters} == set()


def test_picture_is_rendered_from_its_source() -> None:
    labels = re.findall(r'label="([^"]*)"', (DOCS / "deployment.dot").read_text())
    drawn = {
        unescape(text)
        for text in re.findall(r"<text[^>]*>([^<]*)</text>", (DOCS / "deployment.svg").read_text())
    }
    wanted = {line for label in labels for line in label.split(r"\n")}
    assert wanted == drawn
