"""docs/deployment.md names every option and role of the templates; its picture has the texts of its source."""

import json
import re
from html import unescape

from tests.docs.pages import DOCS, ROOT

TEXT = (DOCS / "deployment.md").read_text()
ASKED_FOR = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_ML_WORKSPACE_ID"}


def test_every_option_is_named() -> None:
    parameters = (ROOT / "infra/main.parameters.json").read_text()
    options = set(re.findall(r"\$\{(\w+)", parameters)) - ASKED_FOR
    assert {option for option in options if f"`{option}" not in TEXT} == set()


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
