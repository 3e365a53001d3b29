"""Run history: what became of a job and of its step, and the step's log behind an address with a signature.

Routes and fields are those of azure-ai-ml. In Azure the logs are in a storage account; here the same server has them.
"""

import base64
import hashlib
import hmac
import re
import secrets
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from local.azure_ml.config import ServiceConfig
from local.azure_ml.entra.identities import Credentials
from local.azure_ml.entra.tokens import TokenAuthority
from local.azure_ml.errors import Refused, json_answer, service_error, text_answer
from local.azure_ml.jobs.engine import JobEngine
from local.azure_ml.jobs.job import Job, iso_time
from local.azure_ml.jobs.scoring import Scorer
from local.azure_ml.server import Call, Route
from local.azure_ml.testing.faults import Operation
from local.azure_ml.workspace.caller import data_plane_caller
from local.azure_ml.workspace.job_error import error_of_job, error_of_step

STEP = "batchscoring"
LOG = "user_logs/std_log.txt"
_STEP_SUFFIX = f"-{STEP}"
"""In Azure a step has a name of its own; here it is made of the job's."""
_RUN = (
    r"/history/v1\.0/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/]+)/runs/(?P<job>[^/]+)"
)
_FILE = r"/azureml/ExperimentRun/dcid\.(?P<job>[^/]+)/(?P<file>.+)"
_BEFORE_THE_STEP = frozenset({"NotStarted", "Queued", "Preparing", "Provisioning", "Starting"})
_RANGE = re.compile(r"bytes=(?P<first>\d+)-(?P<last>\d*)", re.ASCII)


class RunHistory:
    """``base_url`` (https://host:port) is set once the port is known."""

    def __init__(
        self,
        config: ServiceConfig,
        engine: JobEngine,
        scorer: Scorer,
        principals: tuple[Credentials, ...],
        tokens: TokenAuthority,
    ) -> None:
        self._config = config
        self._engine = engine
        self._scorer = scorer
        self._principals = {principal.client_id: principal for principal in principals}
        self._tokens = tokens
        self._key = secrets.token_bytes(32)
        self.base_url = ""

    def routes(self) -> list[Route]:
        return [
            Route("GET", _RUN + "/details", Operation.RUN_DETAILS, self._details),
            Route("GET", _RUN + "/children", Operation.RUN_CHILDREN, self._children),
            Route("GET", _FILE, Operation.LOG_FILE, self._file),
        ]

    @staticmethod
    def not_found(path: str) -> web.Response:
        return service_error(404, "UserError", f"There is nothing at {path}.")

    async def _details(self, call: Call) -> web.Response:
        job, is_step = self._run(call)
        body = self._step(job) if is_step else self._parent(job)
        has_log = is_step and self._scorer.log_path(job.name).exists()
        return json_answer(
            200, {**body, "logFiles": {LOG: self._signed(call.names["job"])} if has_log else {}}
        )

    async def _children(self, call: Call) -> web.Response:
        job, is_step = self._run(call)
        has_step = not is_step and job.status not in _BEFORE_THE_STEP
        return json_answer(200, {"value": [self._step(job)] if has_step else [], "continuationToken": None})

    async def _file(self, call: Call) -> web.Response:
        """As a storage account: the signature in the address decides, and a range may not count from the end."""
        if not hmac.compare_digest(call.request.query.get("sig", ""), self._signature(call.request.path)):
            raise Refused(text_answer(403, "AuthenticationFailed: Signature did not match."))
        path = self._log_of(call)
        body = path.read_bytes()
        asked = _RANGE.fullmatch(call.request.headers.get("Range", ""))
        if asked is None:
            return web.Response(body=body, content_type="text/plain")
        first, last = int(asked["first"]), min(int(asked["last"] or len(body)), len(body) - 1)
        if first >= len(body):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
        return web.Response(
            status=206,
            body=body[first : last + 1],
            content_type="text/plain",
            headers={"Content-Range": f"bytes {first}-{last}/{len(body)}"},
        )

    def _log_of(self, call: Call) -> Path:
        path = self._scorer.log_path(call.names["job"].removesuffix(_STEP_SUFFIX))
        if call.names["file"] != LOG or not path.exists():
            raise Refused(text_answer(404, "BlobNotFound: The specified blob does not exist."))
        return path

    def _run(self, call: Call) -> tuple[Job, bool]:
        """The job of the request, and whether its step is meant."""
        data_plane_caller(call, self._config.ml_audience, self._principals, self._tokens)
        name = call.names["job"]
        job = self._engine.get(name.removesuffix(_STEP_SUFFIX))
        workspace = self._config.workspace
        asked = "/".join(call.names[part] for part in ("subscription", "group", "workspace"))
        known = f"{workspace.subscription_id}/{workspace.resource_group}/{workspace.name}"
        if job is None or asked.lower() != known.lower():
            raise Refused(service_error(404, "UserError", f"Run {name} was not found."))
        return job, name.endswith(_STEP_SUFFIX)

    def _parent(self, job: Job) -> dict[str, object]:
        return {
            **_times(job),
            "runId": job.name,
            "displayName": job.display_name,
            "runType": "azureml.PipelineRun",
            "status": job.visible_status,
            "error": error_of_job(job, STEP),
            "warnings": None,
        }

    def _step(self, job: Job) -> dict[str, object]:
        return {
            **_times(job),
            "runId": f"{job.name}{_STEP_SUFFIX}",
            "parentRunId": job.name,
            "name": STEP,
            "displayName": STEP,
            "runType": "azureml.StepRun",
            "status": job.visible_status,
            "error": error_of_step(job, self._scorer.log(job.name)),
            "warnings": None,
        }

    def _signed(self, run: str) -> str:
        path = f"/azureml/ExperimentRun/dcid.{run}/{LOG}"
        return f"{self.base_url}{path}?sv=2021-08-06&sr=b&sp=r&sig={quote(self._signature(path), safe='')}"

    def _signature(self, path: str) -> str:
        return base64.b64encode(hmac.digest(self._key, path.encode(), hashlib.sha256)).decode()


def _times(job: Job) -> dict[str, object]:
    return {
        "createdTimeUtc": iso_time(job.created_at),
        "endTimeUtc": iso_time(job.entered_at) if job.ended else None,
    }
