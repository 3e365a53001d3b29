from tests.hub.conftest import session as session
