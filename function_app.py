"""Composition root: registers the blueprints, and nothing else."""

import azure.durable_functions as df
import azure.functions as func

from activities import authorize, cancel_job, check_status, invoke
from entities import submission
from orchestrators import batch_run
from triggers import http_api, openapi

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
for part in (http_api, openapi, batch_run, authorize, invoke, check_status, cancel_job, submission):
    app.register_functions(part.bp)
