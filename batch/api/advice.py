"""What to do about each error, for the person who has to do it."""

from batch.errors import HEALS_WITH_TIME, ErrorCode

_MEND = {
    ErrorCode.TOKEN_REFUSED: (
        "Microsoft Entra knows this identity and refuses it. Check the tenant, the client id and the secret"
        " or certificate, and whether they have expired."
    ),
    ErrorCode.TOKEN_UNAVAILABLE: (
        "No identity could be asked for a token. Check that the managed identity is assigned to this app, or"
        " that the settings of the service principal are complete."
    ),
    ErrorCode.ACCESS_DENIED: (
        "Give the identity of this app the role AzureML Data Scientist on the workspace, and wait a few"
        " minutes until it takes effect."
    ),
    ErrorCode.NOT_FOUND: (
        "Check the scoring URI, that endpoint and deployment still exist, and that the endpoint has a default"
        " deployment."
    ),
    ErrorCode.REQUEST_REJECTED: (
        "The endpoint does not take this request. Its own words are in the message: correct the inputs,"
        " outputs or deployment."
    ),
    ErrorCode.SERVICE_UNAVAILABLE: "Azure did not answer for too long. Look at the health of the service.",
    ErrorCode.SUBMISSION_UNCERTAIN: (
        "A job may or may not have been created. Look for it in Azure ML Studio, by this run's output or by"
        " the time."
    ),
    ErrorCode.JOB_FAILED: (
        "Open the job in Azure ML Studio and read its logs, the scoring script's among them. Correct the"
        " script, the data or the output location."
    ),
    ErrorCode.JOB_CANCELED: "Nothing, if that was meant.",
    ErrorCode.TIMED_OUT: "See in Azure ML Studio what the job spent its time on.",
    ErrorCode.QUEUE_TIMED_OUT: (
        "The compute had no room in time. Look at its quota and at what occupies it."
    ),
    ErrorCode.INTERNAL: "The app itself broke off. Look in its log for this run id.",
}
_THEN = {
    ErrorCode.SUBMISSION_UNCERTAIN: (
        "If there is none, start a new run; if there is one, let it end or cancel it there."
    ),
    ErrorCode.JOB_CANCELED: "Otherwise start a new run.",
    ErrorCode.TIMED_OUT: "Then start a new run with a longer timeout, more nodes or less data.",
    ErrorCode.QUEUE_TIMED_OUT: "Then start a new run, with a longer queue_timeout if need be.",
    ErrorCode.INTERNAL: (
        "If a job of this run is still going on in Azure ML Studio and is not wanted, cancel it there."
    ),
}
_START_ANEW = "Then start a new run."
WAIT = "Nothing yet: the step is tried again by itself, and a second run could pay twice."


def advice(code: str) -> str:
    """For a run that has ended. A code of another version of this app counts as ``internal``."""
    known = _known(code)
    return f"{_MEND[known]} {_THEN.get(known, _START_ANEW)}"


def advice_meanwhile(code: str) -> str:
    """For a run that goes on: above all, no second run."""
    known = _known(code)
    return WAIT if known in HEALS_WITH_TIME else f"{WAIT} {_MEND[known]}"


def _known(code: str) -> ErrorCode:
    try:
        return ErrorCode(code)
    except ValueError:
        return ErrorCode.INTERNAL
