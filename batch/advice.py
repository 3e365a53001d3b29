"""What to do about each error of a run, for the person who has to do it. Messages only say what happened.

The custom status, the view of a run, the OpenAPI document and ``docs/errors.md`` show it.
"""

from collections.abc import Mapping

from batch.errors import ErrorCode

_FIX: Mapping[str, str] = {
    ErrorCode.TOKEN_REFUSED: (
        "Microsoft Entra knows this identity and refuses it. Check the tenant, the client id, and the secret"
        " or certificate, which may have expired."
    ),
    ErrorCode.TOKEN_UNAVAILABLE: (
        "No identity gave the app a token. Check that the managed identity is assigned to this app, or that the"
        " settings of the service principal are complete."
    ),
    ErrorCode.ACCESS_DENIED: (
        "Give the app's identity the role AzureML Data Scientist on the workspace, and wait a few minutes until"
        " the role takes effect. After a 401, check the identity's tenant and the app setting AZURE_ML_AUDIENCE."
    ),
    ErrorCode.NOT_FOUND: (
        "Check the scoring URI, that the endpoint and its deployment still exist, and that the endpoint has a"
        " default deployment."
    ),
    ErrorCode.WORKSPACE_NOT_FOUND: (
        "Check that the app setting AZURE_ML_WORKSPACE_ID names the workspace of the job. Cancel the job in Azure ML"
        " Studio if it still runs."
    ),
    ErrorCode.REQUEST_REJECTED: (
        "The message has the reason. Correct the inputs, the outputs, the deployment or the app setting that it"
        " names."
    ),
    ErrorCode.SERVICE_UNAVAILABLE: "Azure did not answer for too long. Check the health of the service.",
    ErrorCode.SUBMISSION_UNCERTAIN: (
        "A job may or may not exist. Look for it in Azure ML Studio, by this run's output or by the time."
    ),
    ErrorCode.JOB_FAILED: (
        "Correct what the message names: the script, the data or the output location. If it names nothing, read the"
        " end of the job's log, at the address of the run followed by /log or in Azure ML Studio."
    ),
    ErrorCode.JOB_CANCELED: "Do nothing if the cancel was intended.",
    ErrorCode.TIMED_OUT: (
        "Check in Azure ML Studio what the job spent its time on. If it still runs, it costs money: cancel it there."
    ),
    ErrorCode.QUEUE_TIMED_OUT: (
        "The compute had no free node in time. Check its quota and the jobs that occupy it. Cancel the job in Azure"
        " ML Studio if it still runs."
    ),
    ErrorCode.INTERNAL: (
        "The app crashed while it handled this run, or somebody ended the orchestration. Search the app's log for the"
        " run id."
    ),
}
_RUN_AGAIN = "Then run it again."
_RUN_AGAIN_OR_ANEW = "Then run it again, or start a new run if its request must change."
_NEXT: Mapping[str, str] = {
    ErrorCode.SUBMISSION_UNCERTAIN: (
        "If there is no job, run it again. If there is one, let it end, or cancel it there."
    ),
    ErrorCode.NOT_FOUND: _RUN_AGAIN_OR_ANEW,
    ErrorCode.REQUEST_REJECTED: _RUN_AGAIN_OR_ANEW,
    ErrorCode.JOB_FAILED: _RUN_AGAIN_OR_ANEW,
    ErrorCode.JOB_CANCELED: "Otherwise run it again.",
    ErrorCode.TIMED_OUT: (
        "Then start a new run with a longer timeout, more nodes or less data, unless this one was to be canceled."
    ),
    ErrorCode.QUEUE_TIMED_OUT: "Then run it again, or start a new run with a longer queue_timeout.",
    ErrorCode.INTERNAL: (
        "If a job of this run still runs in Azure ML Studio and is not wanted, cancel it there."
    ),
}
_NOTHING_TO_FIX = frozenset({ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.SUBMISSION_UNCERTAIN})
"""While the run goes on. An identity that gives no token may be away for a moment, or not be set up at all."""
_OF_ANOTHER_VERSION = "Another version of the app wrote this error. Follow its message."
WAIT = "Wait: the app retries this step. Do not start a second run, which could pay twice."
WAIT_FOR_CANCEL = (
    "Wait: the app tries again. Until Azure ML accepts the cancel, the job goes on and costs money: to stop it now,"
    " cancel it in Azure ML Studio."
)


def advice(code: str) -> str:
    """For a run that has ended."""
    if code not in _FIX:
        return _OF_ANOTHER_VERSION
    return f"{_FIX[code]} {_NEXT.get(code, _RUN_AGAIN)}"


def advice_meanwhile(code: str, *, canceling: bool = False) -> str:
    """For a run that goes on. ``canceling``: its job is to be canceled, and Azure ML has not accepted that yet."""
    wait = WAIT_FOR_CANCEL if canceling else WAIT
    return wait if code in _NOTHING_TO_FIX else f"{wait} {_FIX.get(code, _OF_ANOTHER_VERSION)}"
