"""Azure Resource Manager: the workspace's jobs, canceled as a long-running operation, data assets and datastores."""

import base64
import re
from typing import NoReturn
from urllib.parse import urlencode

from aiohttp import web

from local.azure_ml.config import Role, ServiceConfig
from local.azure_ml.entra.identities import Credentials
from local.azure_ml.entra.tokens import TokenAuthority, TokenRefused
from local.azure_ml.errors import Refused, arm_error, frontend_error, json_answer
from local.azure_ml.jobs.engine import JobEngine, NotCancelable
from local.azure_ml.jobs.job import Job
from local.azure_ml.server import Call, Route
from local.azure_ml.testing.faults import Operation
from local.azure_ml.workspace import data, shapes

_WORKSPACE = (
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/]+)"
)
_JOBS = f"{_WORKSPACE}/jobs"
_DATA = rf"{_WORKSPACE}/data/(?P<asset>[^/]+)"
_OPERATION_RESULT = (
    r"/subscriptions/(?P<subscription>[^/]+)/providers/Microsoft\.MachineLearningServices"
    r"/locations/(?P<location>[^/]+)/mfeOperationResults/jc:(?P<workspace_id>[^:/]+):(?P<job>[^:/]+)"
)
_HEADERS = {"Cache-Control": "no-cache", "Expires": "-1", "Pragma": "no-cache", "x-aml-cluster": "local"}
_API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")


class ResourceManager:
    """``base_url`` (https://host:port) and ``tracking_host`` (host:port) are set once the ports are known."""

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
        self._remaining_writes = 1200
        self.base_url = ""
        self.tracking_host = ""

    def routes(self) -> list[Route]:
        return [
            Route("GET", _JOBS, Operation.LIST, self._list),
            Route("GET", _JOBS + r"/(?P<job>[^/]+)", Operation.ARM_GET, self._get),
            Route("POST", _JOBS + r"/(?P<job>[^/]+)/cancel", Operation.CANCEL, self._cancel),
            Route("GET", _DATA, Operation.DATA_ASSET, self._data_container),
            Route("GET", _DATA + r"/versions/(?P<version>[^/]+)", Operation.DATA_ASSET, self._data_version),
            Route("GET", _WORKSPACE + r"/datastores/(?P<store>[^/]+)", Operation.DATASTORE, self._datastore),
            Route("GET", _OPERATION_RESULT, Operation.CANCEL_STATUS, self._cancel_status),
        ]

    @staticmethod
    def not_found(path: str) -> web.Response:
        return arm_error(404, "InvalidResourceType", f"The resource type of {path} could not be found.")

    async def _get(self, call: Call) -> web.Response:
        self._admit(call, "read")
        return json_answer(200, self._shape(self._job(call)), _HEADERS, "standard")

    async def _list(self, call: Call) -> web.Response:
        self._admit(call, "read")
        query = call.request.query
        lag = call.change("lag")
        visible_until = lag.hides_jobs_since if lag else float("inf")
        jobs = [
            job
            for job in self._engine.newest_first()
            if job.created_at < visible_until and self._selected(job, call)
        ]
        names = [job.name for job in jobs]
        start = _position(names, query.get("$skip"))
        page = jobs[start : start + self._config.page_size]
        body: dict[str, object] = {"value": [self._shape(job) for job in page]}
        if start + len(page) < len(jobs):
            following = {**query, "$skip": base64.urlsafe_b64encode(page[-1].name.encode()).decode()}
            body["nextLink"] = f"{self.base_url}{call.request.path}?{urlencode(following)}"
        return json_answer(200, body, _HEADERS, "standard")

    async def _cancel(self, call: Call) -> web.Response:
        self._admit(call, "cancel/action")
        job = self._job(call)
        try:
            self._engine.cancel(job.name, loses_race=call.change("lose_race") is not None)
        except NotCancelable as error:
            raise Refused(
                frontend_error(
                    409, "UserError", f"Run {job.name} is in state {error} and cannot be canceled."
                )
            ) from error
        self._remaining_writes -= 1
        return json_answer(
            202,
            None,
            {
                **_HEADERS,
                "Location": self._operation_url(call, job),
                "x-ms-async-operation-timeout": "PT1H",
                "x-ms-ratelimit-remaining-subscription-writes": str(self._remaining_writes),
            },
            "standard",
        )

    async def _cancel_status(self, call: Call) -> web.Response:
        self._admit(call, "read")
        job = self._job(call)
        if job.ended:
            return web.Response(status=200)
        return json_answer(202, {}, {"Location": self._operation_url(call, job)})

    async def _data_container(self, call: Call) -> web.Response:
        self._admit(call, "read", "data")
        name = call.names["asset"]
        versions = data.versions_of(name, self._config.assets)
        if not versions:
            raise Refused(frontend_error(404, "UserError", f"No asset with this name was found: {name}."))
        return json_answer(200, data.container(name, versions, self._config.workspace), _HEADERS, "standard")

    async def _data_version(self, call: Call) -> web.Response:
        self._admit(call, "read", "data/versions")
        name, version = call.names["asset"], call.names["version"]
        if version not in data.versions_of(name, self._config.assets):
            raise Refused(
                frontend_error(404, "UserError", f"Asset {name} with version {version} was not found.")
            )
        return json_answer(200, data.version(name, version, self._config.workspace), _HEADERS, "standard")

    async def _datastore(self, call: Call) -> web.Response:
        self._admit(call, "read", "datastores")
        name = call.names["store"]
        if name not in {"workspaceblobstore", *self._config.datastores}:
            raise Refused(frontend_error(404, "UserError", f"Could not find datastore: {name}."))
        return json_answer(200, data.datastore(name, self._config.workspace), _HEADERS, "standard")

    def _operation_url(self, call: Call, job: Job) -> str:
        workspace = self._config.workspace
        return (
            f"{self.base_url}/subscriptions/{workspace.subscription_id}"
            f"/providers/Microsoft.MachineLearningServices/locations/{workspace.location}"
            f"/mfeOperationResults/jc:{workspace.workspace_id}:{job.name}"
            f"?api-version={call.request.query['api-version']}"
        )

    def _job(self, call: Call) -> Job:
        job = self._engine.get(call.names["job"])
        if job is None:
            raise Refused(frontend_error(404, "UserError", f"Run {call.names['job']} was not found."))
        return job

    def _shape(self, job: Job) -> dict[str, object]:
        deployment = self._deployments.get(job.deployment)
        return shapes.arm_job(job, self._config.workspace, deployment, self.tracking_host)

    def _selected(self, job: Job, call: Call) -> bool:
        """All jobs here are pipeline jobs, and none is archived."""
        query = call.request.query
        if query.get("jobType", "Pipeline").lower() != "pipeline":
            return False
        if query.get("listViewType", "ActiveOnly").lower() == "archivedonly":
            return False
        if "tag" in query and query["tag"] not in shapes.arm_tags(job):
            return False
        wanted = [part.partition("=") for part in query.get("properties", "").split(",") if part]
        if not wanted:
            return True
        held = shapes.system_properties(job, self._config.workspace, self._deployments.get(job.deployment))
        return all(name in held and (not equals or held[name] == value) for name, equals, value in wanted)

    def _admit(self, call: Call, action: str, resource: str = "jobs") -> None:
        """Checks token, api-version, subscription, workspace and role, in ARM's order."""
        try:
            client_id = self._tokens.verify(
                call.request.headers.get("Authorization"), self._config.arm_audience
            )
        except TokenRefused as error:
            self._unauthenticated(str(error))
        if not _API_VERSION.fullmatch(call.request.query.get("api-version", "")):
            raise Refused(
                arm_error(
                    400,
                    "MissingApiVersionParameter",
                    "The api-version query parameter (?api-version=) is required for all requests.",
                )
            )
        self._check_names(call.names)
        caller = self._principals.get(client_id)
        if caller is None or Role.ARM not in caller.roles:
            raise Refused(
                arm_error(
                    403,
                    "AuthorizationFailed",
                    f"The client '{client_id}' does not have authorization to perform action "
                    f"'Microsoft.MachineLearningServices/workspaces/{resource}/{action}' over scope "
                    f"'{self._config.workspace.id}' or the scope is invalid. If access was recently granted, "
                    "please refresh your credentials.",
                )
            )

    def _unauthenticated(self, reason: str) -> NoReturn:
        authenticate = (
            "Bearer authorization_uri="
            f'"https://login.microsoftonline.com/{self._config.workspace.tenant_id}", '
            'error="invalid_token", error_description="The access token is missing or invalid."'
        )
        code = "InvalidAuthenticationTokenAudience" if "audience" in reason else "InvalidAuthenticationToken"
        raise Refused(arm_error(401, code, reason, {"WWW-Authenticate": authenticate}))

    def _check_names(self, names: dict[str, str]) -> None:
        workspace = self._config.workspace
        if names["subscription"].lower() != workspace.subscription_id.lower():
            raise Refused(
                arm_error(
                    404,
                    "SubscriptionNotFound",
                    f"The subscription '{names['subscription']}' could not be found.",
                )
            )
        if "group" in names and names["group"].lower() != workspace.resource_group.lower():
            raise Refused(
                arm_error(
                    404, "ResourceGroupNotFound", f"Resource group '{names['group']}' could not be found."
                )
            )
        if "workspace" in names and names["workspace"].lower() != workspace.name.lower():
            raise Refused(
                arm_error(
                    404,
                    "ResourceNotFound",
                    f"The Resource 'Microsoft.MachineLearningServices/workspaces/{names['workspace']}' under "
                    f"resource group '{workspace.resource_group}' was not found.",
                )
            )


def _position(names: list[str], skip: str | None) -> int:
    """Index of a page's first job. The token names the last job of the page before, so new jobs shift nothing."""
    if not skip:
        return 0
    try:
        return names.index(base64.urlsafe_b64decode(skip).decode()) + 1
    except ValueError as error:
        raise Refused(frontend_error(400, "UserError", "The $skip token is not valid.")) from error
