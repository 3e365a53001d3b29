"""docs/deployment.md tells of every option and role that the templates have, and its picture is of today."""

import json
import re
from html import unescape
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TEXT = (DOCS / "deployment.md").read_text()
ASKED_FOR = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_ML_WORKSPACE_ID"}


def test_every_option_is_told_of() -> None:
    parameters = (ROOT / "infra/main.parameters.json").read_text()
    options = set(re.findall(r"\$\{(\w+)", parameters)) - ASKED_FOR
    assert {option for option in options if f"`{option}" not in TEXT} == set()


def test_every_role_is_told_of() -> None:
    roles = json.loads((ROOT / "infra/check/rules/roles.json").read_text()).values()
    told = re.sub(r"\W", "", TEXT).lower()
    assert {role["name"] for role in roles if role["name"].lower() not in told} == set()


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", TEXT)
    assert links
    assert [link for link in links if not (DOCS / link).exists()] == []


def test_picture_is_rendered_from_its_source() -> None:
    labels = re.findall(r'label="([^"]*)"', (DOCS / "deployment.dot").read_text())
    drawn = {
        unescape(text)
        for text in re.findall(r"<text[^>]*>([^<]*)</text>", (DOCS / "deployment.svg").read_text())
    }
    wanted = {line for label in labels for line in label.split(r"\n")}
    assert wanted == drawn
