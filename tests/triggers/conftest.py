from tests.task_hub.conftest import session as session
