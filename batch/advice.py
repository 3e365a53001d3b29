"""What to do about each error a run can end with, for the person who has to do it."""

from batch.errors import ErrorCode

_ADVICE = {
    ErrorCode.TOKEN_REFUSED: (
        "Microsoft Entra knows this identity and refuses it. Check the tenant, the client id and the secret"
        " or certificate, and whether they have expired; then start a new run."
    ),
    ErrorCode.TOKEN_UNAVAILABLE: (
        "No identity could be asked for a token. Check that the managed identity is assigned to this app, or"
        " that the settings of the service principal are complete; then start a new run."
    ),
    ErrorCode.ACCESS_DENIED: (
        "Give the identity of this app the role AzureML Data Scientist on the workspace, wait a few minutes"
        " until it takes effect, and start a new run."
    ),
    ErrorCode.NOT_FOUND: (
        "Check the scoring URI, that endpoint and deployment still exist, and that the endpoint has a default"
        " deployment."
    ),
    ErrorCode.REQUEST_REJECTED: (
        "The endpoint does not take this request. Its own words are in the message: correct the inputs,"
        " outputs or deployment, and start a new run."
    ),
    ErrorCode.SERVICE_UNAVAILABLE: (
        "Azure did not answer for too long. Look at the health of the service, then start a new run."
    ),
    ErrorCode.SUBMISSION_UNCERTAIN: (
        "A job may or may not have been created. Look for it in Azure ML Studio, by this run's output or by"
        " the time. If there is none, start a new run; if there is one, let it end or cancel it there."
    ),
    ErrorCode.JOB_FAILED: (
        "Open the job in Azure ML Studio and read its logs, the scoring script's among them. Correct the"
        " script, the data or the output location, and start a new run."
    ),
    ErrorCode.JOB_CANCELED: "Nothing, if that was meant. Otherwise start a new run.",
    ErrorCode.TIMED_OUT: (
        "See in Azure ML Studio what the job spent its time on. Then start a new run with a longer timeout,"
        " more nodes or less data."
    ),
    ErrorCode.QUEUE_TIMED_OUT: (
        "The compute had no room in time. Look at its quota and at what occupies it, or start a new run with"
        " a longer queue_timeout."
    ),
    ErrorCode.INTERNAL: (
        "The app itself broke off. Look in its log for this run id. If a job of this run is still going on in"
        " Azure ML Studio and is not wanted, cancel it there."
    ),
}
_BY_CODE = {code.value: text for code, text in _ADVICE.items()}


def advice(code: str) -> str:
    """For any other code, written by another version of this app: as for ``internal``."""
    return _BY_CODE.get(code, _ADVICE[ErrorCode.INTERNAL])
