from collections.abc import AsyncIterator

import pytest
from azure.durable_functions.models.utils import http_utils


@pytest.fixture(autouse=True)
async def session() -> AsyncIterator[None]:
    """The SDK keeps one HTTP session for all its clients. It is closed before the event loop of the test ends."""
    yield
    await http_utils._close_session()
