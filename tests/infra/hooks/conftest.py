from pathlib import Path

import pytest

from tests.infra.hooks.stub_azure import Azure


@pytest.fixture
def azure(tmp_path: Path) -> Azure:
    return Azure(tmp_path)
