"""URIs of data: what a batch endpoint accepts as input or output, and what must not be stored with a run.

The forms are those of Azure ML's own clients. The checks and the patterns of the OpenAPI document are the same.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

from batch.redaction import holds_secret

RUN_ID_PLACEHOLDER = "{run_id}"
MAX_URI_LENGTH = 2_048
"""Characters. Many services accept no longer URL."""
DEFAULT_OUTPUT = (
    f"azureml://datastores/workspaceblobstore/paths/batch-runs/{RUN_ID_PLACEHOLDER}/predictions.csv"
)
LATEST = "latest"
"""The only label that Azure ML keeps for data assets."""

_CHARACTER = r"[^?#\\\s\x00-\x20\x7f]"
_SEGMENT = r"[^/?#\\\s\x00-\x20\x7f]+"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
VERSION = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
"""Of a data asset, or its label."""
_PROVIDER = r"providers/[Mm]icrosoft\.[Mm]achine[Ll]earning[Ss]ervices"
_GROUP = rf"subscriptions/{_SEGMENT}/resource[gG]roups/{_SEGMENT}"
_WORKSPACE = rf"workspaces/{_SEGMENT}"
# The first is how Azure ML's clients print the second.
_BY_ARM_ID = rf"(azureml:)?/{_GROUP}/{_PROVIDER}"
_BY_URI = rf"azureml://{_GROUP}/({_PROVIDER}/)?{_WORKSPACE}"
_DATASTORE = (
    rf"(azureml://datastores/{_NAME}|({_BY_URI}|{_BY_ARM_ID}/{_WORKSPACE})/datastores/{_NAME})/paths/"
)
_ASSET_IN_WORKSPACE = rf"azureml:/?{_NAME}(:{VERSION}|@{VERSION})"
_ASSET_URI = rf"azureml://data/{_NAME}/(versions|labels)/{VERSION}"
_VERSIONED = rf"{_SEGMENT}/{_SEGMENT}/(versions|labels|versions/labels)/{_SEGMENT}"
_FORMS = "|".join(
    [
        rf"{_DATASTORE}{_CHARACTER}*",
        _ASSET_IN_WORKSPACE,
        _ASSET_URI,
        rf"azureml://registries/{_NAME}/{_VERSIONED}",
        rf"azureml://locations/{_SEGMENT}/{_WORKSPACE}/{_VERSIONED}",
        rf"{_BY_URI}/{_VERSIONED}",
        rf"{_BY_ARM_ID}/({_WORKSPACE}|registries/{_SEGMENT})/{_VERSIONED}",
        rf"azureml://jobs/{_SEGMENT}/outputs/{_SEGMENT}/paths/{_CHARACTER}*",
        rf"https://[A-Za-z0-9.-]+(:[0-9]{{1,5}})?(/{_CHARACTER}*)?",
        rf"(abfss|wasbs)://[A-Za-z0-9$-]+@[A-Za-z0-9.-]+(/{_CHARACTER}*)?",
    ]
)
_IN_OUTPUT = r"([^?#\\{}\s\x00-\x20\x7f]|\{run_id\})"
_END_OF_FILE = r"([^/?#\\{}\s\x00-\x20\x7f]|\{run_id\})"

DATA_URI_PATTERN = rf"^({_FORMS})$"
OUTPUT_URI_PATTERN = rf"^{_DATASTORE}{_IN_OUTPUT}+$"
OUTPUT_FILE_PATTERN = rf"^{_DATASTORE}{_IN_OUTPUT}*{_END_OF_FILE}$"

_NOT_TEXT = re.compile(r"[\ud800-\udfff]|\n\Z")
"""In Python, $ also matches before a line break at the end. Half of a surrogate pair cannot be sent."""
UNFIT = r"[?#\\\s\x00-\x20\x7f]"
"""Characters that a path in a URI cannot hold as they are."""
UNFIT_IN_OUTPUT = r"[?#\\{}\s\x00-\x20\x7f]"
_PLACE = (
    rf"(?:azureml:/)?(?P<workspace>/{_GROUP}/(?:{_PROVIDER}/)?{_WORKSPACE})?/datastores/(?P<datastore>{_NAME})/paths/"
    rf"(?P<path>{_CHARACTER}*)"
)
_WITHOUT_PATHS = r"(azureml:/?)?/([^?#]*/)?datastores/[^/?#]+(/(?!paths/)|$)"
_ASSET = (
    rf"azureml:(?:/|//data/)?(?P<name>{_NAME})(?:(?::|/versions/)(?P<version>{VERSION})"
    rf"|(?:@|/labels/)(?P<label>{VERSION}))"
)
# They are compiled when they are first used: together they would take 20 ms of each cold start.
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Asset:
    """A data asset of the workspace, by its name and either a version or a label."""

    name: str
    version: str | None
    label: str | None

    def __str__(self) -> str:
        return f"{self.name}:{self.version}" if self.version else f"{self.name}@{self.label}"


@dataclass(frozen=True, slots=True)
class DatastorePath:
    """A place in a datastore. ``workspace`` is what the URI says of the workspace, empty for the short form."""

    workspace: str
    datastore: str
    path: str


def check_data_uri(uri: str) -> str:
    """Returns ``uri`` as Azure ML's REST API spells it; raises ValueError, whose text never repeats it."""
    _check_no_secret(uri)
    if _NOT_TEXT.search(uri) or not re.match(DATA_URI_PATTERN, uri):
        _refuse_unfit_character(uri, DATA_URI_PATTERN)
        _refuse_without_paths(uri)
        raise ValueError(
            "must be azureml://datastores/<name>/paths/<path>, azureml:<asset>:<version> or azureml:<asset>@latest,"
            " azureml://registries/<registry>/data/<name>/versions/<version>,"
            " azureml://jobs/<job>/outputs/<name>/paths/<path>, an Azure ML resource id"
            " or a storage URL without credentials: https://<host>/<path>, or abfss or wasbs with <container>@<host>"
        )
    return _as_sent(uri)


def check_output_uri(uri: str) -> str:
    """As ``check_data_uri``, for what a job writes; ``{run_id}`` is the only placeholder."""
    if any(name != "run_id" for name in _PLACEHOLDER.findall(uri)) or re.search(
        r"[{}]", uri.replace(RUN_ID_PLACEHOLDER, "")
    ):
        raise ValueError("holds braces other than the placeholder {run_id}")
    _check_no_secret(uri)
    if _NOT_TEXT.search(uri) or not re.match(OUTPUT_URI_PATTERN, uri):
        _refuse_unfit_character(uri, OUTPUT_URI_PATTERN)
        _refuse_without_paths(uri)
        raise ValueError(
            "must be azureml://datastores/<name>/paths/<path>, or the same with the workspace in it:"
            " a batch endpoint writes only to datastores of its workspace"
        )
    return _as_sent(uri)


def check_output_file(uri: str) -> str:
    """As ``check_output_uri``, for an output of the type UriFile."""
    checked = check_output_uri(uri)
    if checked.endswith("/"):
        raise ValueError("must name a file: it ends in a slash, as the name of a folder does")
    return checked


def spelled(character: str) -> str:
    """For people, who do not see every character."""
    if character == " ":
        return "a space"
    return f"'{character}'" if character.isprintable() else f"the character U+{ord(character):04X}"


def word_of(run_id: str) -> re.Pattern[str]:
    """Finds the id of a run in a URI, where it is no part of another name."""
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(run_id)}(?![A-Za-z0-9])")


def asset_of(uri: str) -> Asset | None:
    """The data asset of the workspace that ``uri`` names in short, if it does."""
    match = re.fullmatch(_ASSET, uri)
    return Asset(match["name"], match["version"], match["label"]) if match else None


def datastore_path_of(uri: str) -> DatastorePath | None:
    """The place that ``uri`` names in a datastore, if it does; in the short, the long or the ARM form."""
    match = re.fullmatch(_PLACE, uri)
    return DatastorePath(match["workspace"] or "", match["datastore"], match["path"]) if match else None


def _check_no_secret(uri: str) -> None:
    if "?" in uri or "#" in uri or holds_secret(uri):
        raise ValueError(
            "must have no query or fragment, in any spelling: a SAS signature is a secret and would be stored with"
            " the run. Use a datastore that holds the credentials, or grant the compute's identity access"
        )


def _refuse_unfit_character(uri: str, pattern: str) -> None:
    """Raises ValueError if only a character keeps ``uri`` from the form that ``pattern`` describes."""
    unfit = re.search(UNFIT, uri)
    if unfit is None or not re.match(pattern, re.sub(UNFIT, "_", uri)):
        return
    character, encoded = unfit[0], quote(unfit[0], safe="")
    if character < " " or character == "\x7f":
        advice = "Remove it"
    elif uri.startswith("https:"):
        advice = f"Write it as {encoded}"
    elif pattern == OUTPUT_URI_PATTERN:
        advice = "Give the output another name"
    else:
        advice = f"Give the https URL of the data, where it is {encoded}, or rename the data"
    raise ValueError(f"holds {spelled(character)}, which a URI cannot hold. {advice}")


def _refuse_without_paths(uri: str) -> None:
    if re.match(_WITHOUT_PATHS, uri):
        raise ValueError(
            "misses /paths/ behind the name of the datastore: it must be azureml://datastores/<name>/paths/<path>"
        )


def _as_sent(uri: str) -> str:
    """Clients print ``azureml:`` before an ARM id, and have two spellings for an asset of the workspace."""
    if asset := asset_of(uri):
        return f"azureml:{asset}"
    if uri.startswith("azureml:/") and not uri.startswith("azureml://"):
        return uri.removeprefix("azureml:")
    return uri
