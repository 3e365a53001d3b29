from tests.task_hub.conftest import session as session
from tests.task_hub.conftest import table as table
