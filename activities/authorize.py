"""Can this app get a token for the endpoint, and as whom? Answers that, and keeps the token to itself."""

from typing import Any

import azure.durable_functions as df

from activities.failure import with_readable_failure
from batch.azure_ml import identity
from batch.errors import RunError
from batch.names import AUTHORIZE
from batch.settings import app_settings

bp = df.Blueprint()


# The worker refuses to index an activity whose parameter is annotated with a generic type.
@bp.activity_trigger(input_name="nothing", activity=AUTHORIZE)
@with_readable_failure
def authorize(nothing: dict) -> Any:  # type: ignore[type-arg]
    """Answers ``{identity}`` or ``{error}``."""
    try:
        return {"identity": identity.whoami(app_settings().ml_audience)}
    except RunError as error:
        return {"error": error.to_json()}
