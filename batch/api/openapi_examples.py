"""Examples of the OpenAPI document. A test validates each of them against its schema."""

from typing import Any, cast

from batch.advice import advice
from batch.api.continuation import encode_continuation
from batch.api.rebuild_query import encode_hub_token
from batch.api.rerun_request import RerunRequest
from batch.api.responses import ApiError, ProblemDetails, RebuiltPart, RerunPage, RunLinks, RunList
from batch.api.rules_view import RulesView
from batch.api.run_view import RunView
from batch.errors import ErrorCode
from batch.run.attention import ADVICE, AttentionCode

_APP = "https://my-app.azurewebsites.net"
_INPUT = "azureml://datastores/workspaceblobstore/paths/readings/2026-01-31/"
_OUTPUT = "azureml://datastores/workspaceblobstore/paths/scores/{run_id}.csv"
_RUN_ID = "readings-2026-01-31"
CONTINUATION = encode_continuation(f"{10**14 - 1_769_839_200_120:015d} {_RUN_ID}")
HUB_CONTINUATION = encode_hub_token("cmVhZGluZ3MtMjAyNi0wMS0zMQ== ")
ENDPOINT_URI = "https://my-endpoint.westeurope.inference.ml.azure.com/jobs"

REQUESTS: dict[str, dict[str, Any]] = {
    "the Data Factory pipeline's parameters": {
        "endpoint_input_uri": _INPUT,
        "endpoint_input_type": "UriFolder",
        "endpoint_output_uri": _OUTPUT,
        "poll_interval": 120,
    },
    "once, however often it is sent": {
        "run_id": _RUN_ID,
        "endpoint_input_uri": "azureml:readings:3",
        "timeout": 7200,
    },
    "other settings of the deployment for this job, and tags": {
        "endpoint_input_uri": _INPUT,
        "overrides": {"mini_batch_size": 20, "instance_count": 4, "retry_timeout": 300},
        "tags": {"team": "fraud"},
    },
    "named inputs with a literal": {
        "inputs": {
            "readings": {"type": "UriFolder", "uri": _INPUT},
            "threshold": {"type": "Literal", "value": 0.8},
        },
        "outputs": {"scores": {"type": "UriFile", "uri": _OUTPUT}},
        "deployment": "pipeline-v2",
        "experiment": "nightly",
        "queue_timeout": 3600,
        "on_timeout": "leave",
    },
}

_RUNNING: RunView = {
    "run_id": _RUN_ID,
    "phase": "Running",
    "runtime_status": "Running",
    "endpoint_uri": ENDPOINT_URI,
    "identity": {"client_id": "11111111-2222-3333-4444-555555555555"},
    "job": {
        "name": "batchjob-0f2c9f3e-5a53-4c5d-9a3b-6b9c1f2f4a10",
        "status": "Running",
        "studio_url": "https://ml.azure.com/runs/batchjob-0f2c9f3e-5a53-4c5d-9a3b-6b9c1f2f4a10",
    },
    "job_attempt": 1,
    "earlier_jobs": [],
    "checks": 4,
    "started_at": "2026-01-31T06:00:00.120Z",
    "pending_since": None,
    "submitted_at": "2026-01-31T06:00:03.410Z",
    "running_at": "2026-01-31T06:04:04.020Z",
    "last_check_at": "2026-01-31T06:06:04.350Z",
    "next_check_at": "2026-01-31T06:08:04.350Z",
    "ended_at": None,
    "cancellation": None,
    "source": None,
    "problem": None,
    "error": None,
    "needs_attention": None,
    "rerun_of": None,
    "reruns": [],
}
_NOT_MOVING: RunView = {
    **_RUNNING,
    "job": {
        "name": "batchjob-0f2c9f3e-5a53-4c5d-9a3b-6b9c1f2f4a10",
        "status": "NotResponding",
        "studio_url": "https://ml.azure.com/runs/batchjob-0f2c9f3e-5a53-4c5d-9a3b-6b9c1f2f4a10",
    },
    "checks": 39,
    "last_check_at": "2026-01-31T07:16:05.020Z",
    "next_check_at": "2026-01-31T07:18:05.020Z",
    "needs_attention": {
        "code": AttentionCode.JOB_NOT_MOVING,
        "message": "Azure ML has shown the job as NotResponding since 2026-01-31 06:12:04 UTC.",
        "advice": ADVICE[AttentionCode.JOB_NOT_MOVING],
        "since": "2026-01-31T06:12:04.610Z",
    },
}
_FAILED: RunView = {
    **_RUNNING,
    "phase": "Failed",
    "runtime_status": "Failed",
    "next_check_at": None,
    "ended_at": "2026-01-31T06:10:04.900Z",
    "error": {
        "code": ErrorCode.JOB_FAILED,
        "message": "Job batchjob-0f2c9f3e-5a53-4c5d-9a3b-6b9c1f2f4a10 failed in step batchscoring: KeyError: 'age'",
        "advice": advice(ErrorCode.JOB_FAILED),
        "reason": {"code": "UserError", "message": "KeyError: 'age'", "step": "batchscoring"},
    },
}

_WORKSPACE = (
    "/subscriptions/22222222-3333-4444-5555-666666666666/resourceGroups/ml"
    "/providers/Microsoft.MachineLearningServices/workspaces/my-workspace"
)
_COMPLETED: RunView = {
    **_RUNNING,
    "phase": "Completed",
    "runtime_status": "Completed",
    "next_check_at": None,
    "ended_at": "2026-01-31T06:10:04.900Z",
    "outputs": {"output_data": _OUTPUT.format(run_id=_RUN_ID)},
    "output_links": {
        "output_data": {
            "storage_url": f"https://mystorage.blob.core.windows.net/azureml-blobstore/scores/{_RUN_ID}.csv",
            "portal_url": "https://portal.azure.com/#view/Microsoft_Azure_Storage/ContainerMenuBlade/~/overview"
            "/storageAccountId/%2Fsubscriptions%2F22222222-3333-4444-5555-666666666666%2FresourceGroups%2Fml"
            "%2Fproviders%2FMicrosoft.Storage%2FstorageAccounts%2Fmystorage/path/azureml-blobstore",
        }
    },
    "resolved_inputs": {"input_data": f"{_WORKSPACE}/data/readings/versions/3"},
}

RUNS: dict[str, RunView] = {
    "under way": _RUNNING,
    "needs attention": _NOT_MOVING,
    "completed": _COMPLETED,
    "failed": _FAILED,
}
RUN_LIST: dict[str, RunList] = {
    "a page": {"runs": [_RUNNING, _FAILED], "continuation": CONTINUATION},
    "nothing there": {"runs": [], "continuation": None},
}

_DURABLE = f"{_APP}/runtime/webhooks/durabletask/instances/{_RUN_ID}"
_LINKS: RunLinks = {
    "id": _RUN_ID,
    "runUri": f"{_APP}/api/batch-runs/{_RUN_ID}",
    "cancelPostUri": f"{_APP}/api/batch-runs/{_RUN_ID}/cancel",
    "statusQueryGetUri": _DURABLE,
}
STARTED: dict[str, RunLinks] = {"where to look": _LINKS}
STARTED_BEFORE: dict[str, RunLinks] = {"the run that was there": {**_LINKS, "run": _RUNNING}}

_RERUN_ID = f"{_RUN_ID}.2"
RERUN_REQUESTS: dict[str, RerunRequest] = {"nothing to confirm": {}, "no job": {"confirm_no_job": True}}
_RERUN_LINKS = cast(RunLinks, {name: str(link).replace(_RUN_ID, _RERUN_ID) for name, link in _LINKS.items()})
RERUN: dict[str, RunLinks] = {"where to look": _RERUN_LINKS}
RERUN_BEFORE: dict[str, RunLinks] = {
    "the rerun that is under way": {
        **_RERUN_LINKS,
        "run": {**_RUNNING, "run_id": _RERUN_ID, "rerun_of": _RUN_ID},
    }
}
RERUN_PAGES: dict[str, RerunPage] = {
    "a part": {
        "dry_run": False,
        "runs": [
            {"run_id": _RUN_ID, "rerun_id": _RERUN_ID, "reason": None},
            {
                "run_id": "readings-2026-01-30",
                "rerun_id": None,
                "reason": "It was run again as readings-2026-01-30.2, which is Completed."
                " Of a run and its reruns only the latest is run again.",
            },
        ],
        "continuation": CONTINUATION,
    },
    "nothing to do": {"dry_run": True, "runs": [], "continuation": None},
}

REBUILT_PARTS: dict[str, RebuiltPart] = {
    "a part": {"instances": 200, "added": 120, "continuation": HUB_CONTINUATION},
    "the last part": {"instances": 31, "added": 0, "continuation": None},
}

RULES: dict[str, RulesView] = {
    "uploads and a schedule": {
        "topic": "/subscriptions/22222222-3333-4444-5555-666666666666/resourceGroups/lake"
        "/providers/Microsoft.Storage/storageAccounts/mylake",
        "rules": [
            {
                "index": 0,
                "start": "folder",
                "id": "3c1f0a9be277",
                "fields": {"container": "incoming", "suffix": ".csv", "quiet_seconds": 120},
                "taken": 1_204,
                "last": {
                    "at": "2026-01-31T06:01:12.400Z",
                    "upload": "incoming/2026-01-31/readings-7.csv",
                    "due_at": None,
                    "run_id": "folder-1efc17cc8c05d1a79b4f5d1e0c3a8b26",
                },
                "next_start_at": None,
            },
            {
                "index": 1,
                "start": "schedule",
                "id": "schedule-nightly",
                "fields": {"name": "nightly", "cron": "30 1 * * *", "input_uri": _INPUT},
                "taken": 31,
                "last": {
                    "at": "2026-01-31T01:30:00.900Z",
                    "upload": None,
                    "due_at": "2026-01-31T01:30:00.000Z",
                    "run_id": "schedule-nightly-20260131T0130Z",
                },
                "next_start_at": "2026-02-01T01:30:00.000Z",
            },
        ],
        "ignored": {
            "count": 12,
            "by_reason": {"hidden": 2, "suffix": 10},
            "last": {
                "at": "2026-01-31T06:02:00.050Z",
                "upload": "incoming/2026-01-31/readme.txt",
                "reason": "suffix",
            },
        },
    },
    "no rules": {"topic": None, "rules": [], "ignored": {"count": 0, "by_reason": {}, "last": None}},
}

BAD_REQUEST: ProblemDetails = {
    "title": ApiError.INVALID_REQUEST.title,
    "status": ApiError.INVALID_REQUEST.status,
    "detail": "Nothing was started. poll_intervall: is not a known field; did you mean poll_interval?",
    "errors": [{"field": "poll_intervall", "message": "is not a known field; did you mean poll_interval?"}],
}
BAD_QUERY: ProblemDetails = {
    "title": ApiError.INVALID_REQUEST.title,
    "status": ApiError.INVALID_REQUEST.status,
    "detail": "top: must be a whole number from 1 to 200",
    "errors": [{"field": "top", "message": "must be a whole number from 1 to 200"}],
}
BAD_RERUN: ProblemDetails = {
    "title": ApiError.INVALID_REQUEST.title,
    "status": ApiError.INVALID_REQUEST.status,
    "detail": "Nothing was started. confirm_no_job: must be true or false",
    "errors": [{"field": "confirm_no_job", "message": "must be true or false"}],
}
MAY_HAVE_A_JOB: ProblemDetails = {
    "title": ApiError.MAY_HAVE_A_JOB.title,
    "status": ApiError.MAY_HAVE_A_JOB.status,
    "detail": f"Run {_RUN_ID} goes on: it is Submitting. Wait for its end, or cancel it. If you know that it has no"
    ' job and gets none, send {"confirm_no_job": true}: a second job would be paid, too.',
}
REQUEST_GONE: ProblemDetails = {
    "title": ApiError.REQUEST_GONE.title,
    "status": ApiError.REQUEST_GONE.status,
    "detail": f"The task hub holds no orchestration of run {_RUN_ID} any more, and with it its request. Start a new"
    " run with a request of your own.",
}
BAD_PART: ProblemDetails = {
    "title": ApiError.INVALID_REQUEST.title,
    "status": ApiError.INVALID_REQUEST.status,
    "detail": "continuation: was not given by a part of this rebuild",
    "errors": [{"field": "continuation", "message": "was not given by a part of this rebuild"}],
}
CONFLICT: ProblemDetails = {
    "title": ApiError.ID_IN_USE.title,
    "status": ApiError.ID_IN_USE.status,
    "detail": f"Run {_RUN_ID} exists with another request. Use a new run_id, or send the same request.",
}
UNKNOWN_RUN: ProblemDetails = {
    "title": ApiError.NO_SUCH_RUN.title,
    "status": ApiError.NO_SUCH_RUN.status,
    "detail": f"There is no run {_RUN_ID}.",
}
_LOG = """\
scored 10 of 40 files
Traceback (most recent call last):
  File "score.py", line 21, in run
KeyError: 'age'
"""
LOG = {"a script that failed": {"value": _LOG}}
BAD_TAIL: ProblemDetails = {
    "title": ApiError.INVALID_REQUEST.title,
    "status": ApiError.INVALID_REQUEST.status,
    "detail": "tail: must be a whole number from 1 to 10000",
    "errors": [{"field": "tail", "message": "must be a whole number from 1 to 10000"}],
}
NO_LOG: ProblemDetails = {
    "title": ApiError.NO_LOG.title,
    "status": ApiError.NO_LOG.status,
    "detail": "Job batchjob-0f2c9f3e-5a53-4c5d-9a3b-6b9c1f2f4a10 has no log yet.",
}
LOG_UNAVAILABLE: ProblemDetails = {
    "title": ApiError.LOG_UNAVAILABLE.title,
    "status": ApiError.LOG_UNAVAILABLE.status,
    "detail": "Azure ML did not give the log within 25 s.",
}
ENDED_BEFORE: ProblemDetails = {
    "title": ApiError.ALREADY_ENDED.title,
    "status": ApiError.ALREADY_ENDED.status,
    "detail": f"Run {_RUN_ID} has already ended: Completed.",
}
LEDGER_UNAVAILABLE: ProblemDetails = {
    "title": ApiError.STORE_UNAVAILABLE.title,
    "status": ApiError.STORE_UNAVAILABLE.status,
    "detail": "The ledger of runs is not available: table BatchEndpointRunsLedger of storage account mystorage"
    " answered 503 ServerBusy: the account is busy.",
}
HUB_UNAVAILABLE: ProblemDetails = {
    "title": ApiError.STORE_UNAVAILABLE.title,
    "status": ApiError.STORE_UNAVAILABLE.status,
    "detail": "The task hub is not available: it answered 500 when asked for its instances.",
}
