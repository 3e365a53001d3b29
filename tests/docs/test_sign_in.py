"""The pages that say how to put a login before the app name what must go past it."""

import pytest

from infra.check.bicep import parse
from infra.check.rules.sign_in import paths_without_login, sign_ins
from tests.docs.pages import DOCS, ROOT


@pytest.mark.parametrize("page", ["sign-in.md", "watching.md"])
def test_the_page_names_each_path_that_the_template_excludes(page: str) -> None:
    path = ROOT / "infra/modules/sign-in.bicep"
    template = parse(path, path.read_bytes())
    [declared] = sign_ins(template)
    text = (DOCS / page).read_text()
    assert "excludedPaths" in text
    assert [one for one in paths_without_login(template, declared) if f"`{one}`" not in text] == []
