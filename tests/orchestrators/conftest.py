import pytest

from batch.names import BATCH_RUN
from orchestrators.batch_run import bp
from tests.orchestrators.execution import Handle, handle_of


@pytest.fixture(scope="session")
def handle() -> Handle:
    return handle_of(bp, BATCH_RUN)
