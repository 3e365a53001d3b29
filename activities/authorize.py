"""Checks that the app gets a token for the endpoint, and reports the identity. The token itself is not returned."""

from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch import thread_pools
from batch.azure_ml.identity import whoami
from batch.errors import RunError
from batch.names import AUTHORIZE
from batch.run.steps import Authorized
from batch.settings import app_settings

bp = df.Blueprint()


# The worker refuses to index an activity whose parameter is annotated with a generic type.
@bp.activity_trigger(input_name="nothing", activity=AUTHORIZE)
@with_readable_failure
async def authorize(nothing: dict) -> Any:  # type: ignore[type-arg]
    """Answers with an Authorized. Its input is empty."""
    try:
        answer = Authorized(identity=await thread_pools.azure_ml.run(whoami, app_settings().ml_audience))
    except RunError as error:
        answer = Authorized.failed(error)
    return answer.to_json()
