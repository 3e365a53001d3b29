"""The batch endpoint: ``POST /jobs`` starts a job, ``GET /jobs/{job}`` reads it. Tokens for Azure ML only."""

import time
import uuid

from aiohttp import web

from local.azure_ml.config import Deployment, ServiceConfig
from local.azure_ml.entra.identities import Credentials
from local.azure_ml.entra.tokens import TokenAuthority
from local.azure_ml.errors import Refused, frontend_error, json_answer
from local.azure_ml.jobs.engine import JobEngine
from local.azure_ml.jobs.job import Creator
from local.azure_ml.server import Call, Route
from local.azure_ml.testing.faults import Operation
from local.azure_ml.workspace import invocation, shapes
from local.azure_ml.workspace.caller import data_plane_caller

_NO_DEFAULT = (
    "No valid deployments to route to. Please check that the endpoint has at least one deployment with "
    "positive weight values or use a deployment specific header to route."
)


class BatchEndpoint:
    """``frontend_url`` (https://host:port of the management frontend) is set once the port is known, and
    ``tracking_host`` (host:port of run history), too.
    """

    def __init__(
        self,
        config: ServiceConfig,
        engine: JobEngine,
        principals: tuple[Credentials, ...],
        tokens: TokenAuthority,
    ) -> None:
        self._config = config
        self._engine = engine
        self._deployments = {deployment.name: deployment for deployment in config.deployments}
        self._principals = {principal.client_id: principal for principal in principals}
        self._tokens = tokens
        self.frontend_url = ""
        self.tracking_host = ""

    def routes(self) -> list[Route]:
        return [
            Route("POST", r"/jobs", Operation.INVOKE, self._invoke),
            Route("GET", r"/jobs/(?P<job>[^/]+)", Operation.GET_JOB, self._get_job),
        ]

    @staticmethod
    def not_found(path: str) -> web.Response:
        return frontend_error(404, "UserError", f"There is nothing at {path}.")

    async def _invoke(self, call: Call) -> web.Response:
        started = time.perf_counter()
        caller = self._caller(call)
        deployment = self._deployment(call.request.headers.get("azureml-model-deployment"))
        try:
            request = invocation.parse(call.body, deployment, self._config.keep_tags)
        except invocation.InvalidRequest as error:
            raise Refused(
                frontend_error(400, "UserError", "The request is invalid.", [("RequestInvalid", str(error))])
            ) from error
        creator = Creator(
            caller.name, "Application" if caller.kind == "service-principal" else "ManagedIdentity"
        )
        duplicate = call.change("duplicate")
        jobs = [
            self._engine.create(deployment, request, creator)
            for _ in range(duplicate.spec.jobs if duplicate else 1)
        ]
        call.record.jobs.extend(job.name for job in jobs)
        took = time.perf_counter() - started
        return json_answer(
            201,
            shapes.data_plane_job(jobs[0], self._config.workspace, deployment, self.tracking_host),
            {
                "azureml-model-deployment": deployment.name,
                "Location": self._deployment_url(deployment),
                "Server": "azureml-frontdoor",
                "X-Content-Type-Options": "nosniff",
                "x-aml-cluster": "local",
                "x-envoy-upstream-service-time": str(round(took * 1000)),
                "x-request-time": f"{took:.3f}",
                "X-Request-ID": str(uuid.uuid4()),
            },
            "standard",
        )

    async def _get_job(self, call: Call) -> web.Response:
        self._caller(call)
        job = self._engine.get(call.names["job"])
        if job is None:
            raise Refused(frontend_error(404, "UserError", f"Run {call.names['job']} was not found."))
        deployment = self._deployments.get(job.deployment)
        elsewhere = call.change("track_elsewhere")
        host = self.tracking_host if elsewhere is None else elsewhere.spec.text or "elsewhere.example"
        return json_answer(
            200,
            shapes.data_plane_job(job, self._config.workspace, deployment, host),
            response_type="standard",
        )

    def _caller(self, call: Call) -> Credentials:
        return data_plane_caller(call, self._config.ml_audience, self._principals, self._tokens)

    def _deployment(self, asked: str | None) -> Deployment:
        name = asked or self._config.default_deployment
        if name is None:
            raise Refused(frontend_error(404, "UserError", _NO_DEFAULT))
        deployment = self._deployments.get(name)
        if deployment is None:
            raise Refused(
                frontend_error(
                    404,
                    "UserError",
                    f"Deployment {name} was not found in endpoint {self._config.workspace.endpoint}.",
                )
            )
        return deployment

    def _deployment_url(self, deployment: Deployment) -> str:
        """The deployment at the management frontend, never the job: clients must not poll it."""
        workspace = self._config.workspace
        return (
            f"{self.frontend_url}/mferp/managementfrontend{workspace.id}"
            f"/batchEndpoints/{workspace.endpoint}/deployments/{deployment.name}"
            "?api-version=2020-09-01-dataplanepreview"
        )
