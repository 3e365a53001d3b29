import azure.durable_functions as df
import pytest

from batch.names import BATCH_RUN
from orchestrators.batch_run import bp
from tests.orchestrators.execution import Handle


@pytest.fixture(scope="session")
def handle() -> Handle:
    """The orchestrator as the worker would call it, with the SDK around it."""
    app = df.DFApp()
    app.register_functions(bp)
    [function] = app.get_functions()
    assert function.get_trigger().orchestration == BATCH_RUN  # type: ignore[union-attr]
    user_function: Handle = function.get_user_function()
    return user_function
