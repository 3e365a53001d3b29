from collections.abc import AsyncIterator

import pytest
from azure.durable_functions.models.utils import http_utils


@pytest.fixture(autouse=True)
async def session() -> AsyncIterator[None]:
    """The SDK keeps one for all its clients; it must not outlive the test's loop."""
    yield
    await http_utils._close_session()
