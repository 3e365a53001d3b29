"""What a cold start waits for."""

import subprocess
import sys
from pathlib import Path

from tests.batch.builders import ENDPOINT_URI

ROOT = Path(__file__).parents[2]
BUILT_MODELS = """
import function_app
from pydantic import BaseModel

def models(base):
    for model in base.__subclasses__():
        yield model
        yield from models(model)

assert list(models(BaseModel)), "the app has models"
print([model.__name__ for model in models(BaseModel) if model.__pydantic_complete__])
"""


def test_no_model_is_built_before_its_first_use(tmp_path: Path) -> None:
    """For the first one pydantic looks for plugins, in the metadata of all that is installed."""
    environment = {
        "PATH": "",
        "AzureWebJobsStorage": f"sqlite:{tmp_path / 'ledger.db'}",
        "BATCH_ENDPOINT_URI": ENDPOINT_URI,
    }
    command = [sys.executable, "-c", BUILT_MODELS]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
