"""URIs of data: what a batch endpoint accepts as input or output, and what must not be stored with a run."""

import re
from urllib.parse import urlsplit

from batch.redaction import holds_secret

_ASSET = re.compile(r"azureml:[A-Za-z0-9][A-Za-z0-9._-]*(:[A-Za-z0-9._-]+|@latest)", re.ASCII)
_RESOURCE_ID = re.compile(
    r"/subscriptions/[^?#\\\s]+/providers/Microsoft\.MachineLearningServices/[^?#\\\s]+", re.IGNORECASE
)
_DATASTORE_KINDS = frozenset({"datastores", "subscriptions", "locations"})
_CONTROL_OR_BLANK = re.compile(r"[\s\\\x00-\x20\x7f\ud800-\udfff]")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

RUN_ID_PLACEHOLDER = "{run_id}"

_PATH_CHARACTER = r"[^?#\\\s\x00-\x20\x7f]"
_CONTAINER_URL = r"(abfss|wasbs)://[A-Za-z0-9$-]+@[A-Za-z0-9.-]+(/PATH*)?"
_CONTAINER = re.compile(_CONTAINER_URL.replace("PATH", _PATH_CHARACTER))
_DATA_URI = (
    r"^(azureml:[A-Za-z0-9][A-Za-z0-9._-]*(:[A-Za-z0-9._-]+|@latest)"
    r"|azureml://(datastores|subscriptions|locations)/PATH+"
    r"|/subscriptions/PATH+/providers/Microsoft\.MachineLearningServices/PATH+"
    r"|https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/PATH*)?"
    rf"|{_CONTAINER_URL})$"
)
DATA_URI_PATTERN = _DATA_URI.replace("PATH", _PATH_CHARACTER)
OUTPUT_URI_PATTERN = _DATA_URI.replace("PATH", r"([^?#\\{}\s\x00-\x20\x7f]|\{run_id\})")
"""For readers of the OpenAPI document. The checks below accept all that matches, and also other spellings of
``azureml`` and ``https`` URLs."""


def check_data_uri(uri: str) -> str:
    """Returns ``uri``; raises ValueError, whose text never repeats it."""
    if "?" in uri or "#" in uri or holds_secret(uri):
        raise ValueError(
            "must have no query or fragment, in any spelling: a SAS signature is a secret and would be stored with"
            " the run. Use a datastore that holds the credentials, or grant the compute's identity access"
        )
    if _CONTROL_OR_BLANK.search(uri) or not (
        _ASSET.fullmatch(uri)
        or _RESOURCE_ID.fullmatch(uri)
        or _CONTAINER.fullmatch(uri)
        or _is_url_of_data(uri)
    ):
        raise ValueError(
            "must be azureml://datastores/<name>/paths/<path>, azureml:<asset>:<version>,"
            " an Azure ML resource id or a storage URL without credentials: https://<host>/<path>,"
            " or abfss or wasbs with <container>@<host>"
        )
    return uri


def check_output_uri(uri: str) -> str:
    """As ``check_data_uri``. In addition, ``{run_id}`` is the only placeholder."""
    if any(name != "run_id" for name in _PLACEHOLDER.findall(uri)) or re.search(
        r"[{}]", uri.replace(RUN_ID_PLACEHOLDER, "")
    ):
        raise ValueError("holds braces other than the placeholder {run_id}")
    return check_data_uri(uri)


def _is_url_of_data(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme == "azureml":
        return parts.netloc in _DATASTORE_KINDS and len(parts.path) > 1
    # Before an @ in https stand a user and a password, where abfss and wasbs have a container.
    return parts.scheme == "https" and "@" not in parts.netloc and bool(host)
