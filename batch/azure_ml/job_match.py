"""Whether a job is the one that a run has submitted, as far as Azure ML's description of the job shows it."""

import re
from collections.abc import Iterable
from enum import Enum
from urllib.parse import unquote

from batch.azure_ml.endpoint import ATTEMPT_TAG, RUN_ID_TAG
from batch.azure_ml.job import JobResource
from batch.data_uri import word_of
from batch.run.request import RunRequest

_ASSET_ID = re.compile(r".*/data/(?P<name>[^/]+)/versions/(?P<version>[^/]+)", re.IGNORECASE)
_DATASTORE_PATH = re.compile(r"/?datastores/(?P<datastore>[^/]+)/paths/(?P<path>.*)", re.IGNORECASE)


COMPARABLE_KINDS = frozenset({"datastore", "https", "abfss", "wasbs"})


class Match(Enum):
    OURS = "ours"
    OTHER = "other"
    UNCLEAR = "unclear"


class _Data(Enum):
    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


def is_tagged(job: JobResource) -> bool:
    """Whether the job's own tags name its run."""
    return RUN_ID_TAG in job.tags


def matches(job: JobResource, run_id: str, job_tag: str | None, request: RunRequest) -> Match:
    """Whether ``job``, created since the claim, is the one this run submitted.

    Earlier versions of this app tagged their jobs with the run id alone.
    """
    if is_tagged(job):
        same_tag = job_tag is None or job.tags.get(ATTEMPT_TAG, job_tag) == job_tag
        return Match.OURS if same_tag and job.tags.get(RUN_ID_TAG) == run_id else Match.OTHER
    wanted_outputs = list(request.output_uris().values())
    own_output = word_of(run_id)
    outputs = (
        _Data.DIFFERENT if _lacks_output(job, wanted_outputs) else _compare(job.output_uris, wanted_outputs)
    )
    inputs = _compare(job.input_uris, [binding.uri for binding in request.inputs.values() if binding.uri])
    if outputs is _Data.SAME and (inputs is _Data.SAME or all(map(own_output.search, wanted_outputs))):
        return Match.OURS
    if _Data.DIFFERENT in (outputs, inputs):
        return Match.OTHER
    return Match.UNCLEAR


def _lacks_output(job: JobResource, wanted: list[str]) -> bool:
    """The endpoint shows the outputs that a job was given, and the inputs of each job. ARM shows neither."""
    return bool(wanted) and job.output_uris is None and job.input_uris is not None


def _compare(theirs_given: Iterable[str] | None, wanted: list[str]) -> _Data:
    """Data is provably different only where both URIs are spelled in the same way.

    The service may answer with a datastore path where it was given a URL, or with a version where it was given
    a label. A run without data of its own cannot be identified by it.
    """
    if not theirs_given or not wanted:
        return _Data.UNKNOWN
    ours, theirs = {_spelling(uri) for uri in wanted}, {_spelling(uri) for uri in theirs_given}
    if ours == theirs:
        return _Data.SAME
    kinds = {kind for kind, _ in ours | theirs}
    return _Data.DIFFERENT if len(kinds) == 1 and kinds <= COMPARABLE_KINDS else _Data.UNKNOWN


def _spelling(uri: str) -> tuple[str, str]:
    """Kind and path. Long and short form of a datastore path are the same, and so are encoded and plain names.

    The service may spell the id of an asset in another way than it was sent.
    """
    if match := _ASSET_ID.fullmatch(uri):
        return "asset", f"{match['name']}:{match['version']}"
    if match := _DATASTORE_PATH.search(uri):
        return "datastore", unquote(f"{match['datastore']}/{match['path']}").rstrip("/")
    scheme, _, rest = uri.partition("://")
    return scheme, unquote(rest).rstrip("/")
