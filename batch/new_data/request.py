"""From new data to the request of a run, and to the ids that make it start once."""

import hashlib
import json
import re
from typing import Any
from urllib.parse import quote

from batch.addresses import PUBLIC_CLOUD
from batch.api.request import parse_fields
from batch.data_uri import RUN_ID_PLACEHOLDER, UNFIT_IN_OUTPUT
from batch.errors import FieldError, InvalidRequest
from batch.new_data.blob import Blob
from batch.new_data.earlier_version import EarlierUpload
from batch.new_data.rules import DEFAULT_INPUT, NewDataRule, Start
from batch.new_data.template import NameDoesNotFit, fill, times
from batch.new_data.upload import FolderUpload
from batch.new_data.window import Late
from batch.run.request import RunRequest
from batch.run.source import DataSource
from batch.run.steps import StartRun
from batch.settings import Settings

_LONGEST_FOLDER = 900
"""Characters, in the output that a rule does not name: the whole name of a blob has at most 1,024."""


def upload_id(rule: NewDataRule, blob: Blob) -> str:
    """The same for every delivery of the same content under the same rule, and only then."""
    return f"{rule.start}-{_digest(rule.id, blob.account, blob.container, blob.name, blob.version)}"


def marker_key(rule: NewDataRule, blob: Blob) -> str:
    """The same for all uploads of one marker file under a rule."""
    return _digest(rule.id, blob.account, blob.container, blob.name)


def window_key(rule: NewDataRule, blob: Blob) -> str:
    """The same for all blobs that one window gathers: those of a folder, or under a file rule one blob."""
    if rule.start == Start.FILE:
        return _digest(rule.id, blob.account, blob.container, blob.folder, blob.file)
    return _digest(rule.id, blob.account, blob.container, blob.folder)


def request_for(rule: NewDataRule, blob: Blob, run_id: str, settings: Settings) -> RunRequest:
    """The request of the run that ``blob`` starts, over the blob or its folder. Raises InvalidRequest."""
    return _request(rule, blob, run_id, settings, over_file=rule.start == Start.FILE)


def _request(
    rule: NewDataRule, blob: Blob, run_id: str, settings: Settings, *, over_file: bool
) -> RunRequest:
    values = _values(blob, run_id, over_file=over_file)
    input_uri = rule.input_uri
    if input_uri == DEFAULT_INPUT:
        input_uri = input_uri.replace(PUBLIC_CLOUD.blob_suffix, settings.cloud.blob_suffix)
    fields = {
        **rule.request_fields(),
        "run_id": run_id,
        "endpoint_input_type": "UriFile" if over_file else "UriFolder",
        "endpoint_input_uri": _input(input_uri, values),
        "endpoint_output_uri": _output(rule.output_template(_place(blob), settings), values),
    }
    return parse_fields(fields, None, settings)[1]


def upload_for(rule: NewDataRule, blob: Blob, run_id: str, settings: Settings) -> FolderUpload:
    """What the orchestration of ``blob`` is started with, if its run has to wait. Raises InvalidRequest."""
    late_request = None
    if rule.late == Late.FILE:
        late_request = _request(rule, blob, run_id, settings, over_file=True)
    return FolderUpload(
        run_id=run_id,
        window_key=window_key(rule, blob),
        request=request_for(rule, blob, run_id, settings),
        source=blob.source(),
        quiet_seconds=rule.quiet_seconds,
        longest_wait_seconds=max(rule.quiet_seconds, rule.longest_wait_seconds),
        late=rule.late,
        late_request=late_request,
        single=rule.start == Start.FILE,
        unfinished=blob.is_unfinished,
    )


def start_of(value: dict[str, Any], settings: Settings) -> StartRun:
    """The input of ``start_run``. Raises InvalidRequest if that of an earlier version makes no valid request."""
    if "upload" not in value:
        return StartRun.from_json(value)
    upload = EarlierUpload.from_json(value["upload"])
    rule = NewDataRule.model_construct(**upload.rule)
    request = request_for(rule, upload.blob, upload.run_id, settings)
    return StartRun(run_id=upload.run_id, request=request, source=DataSource.from_json(value["source"]))


def _input(template: str, values: dict[str, str]) -> str:
    try:
        return fill(template, values)
    except NameDoesNotFit as error:
        advice = f"start input_uri with https://, where it is {quote(error.character, safe='')}, or rename the data"
        raise _cannot_hold("input_uri", error, advice) from None


def _output(template: str, values: dict[str, str]) -> str:
    """The request fills in the run id, and keeps the URI as it was before. So no name may look like a placeholder."""
    try:
        return fill(template, {**values, "run_id": RUN_ID_PLACEHOLDER}, UNFIT_IN_OUTPUT)
    except NameDoesNotFit as error:
        raise _cannot_hold(
            "output_uri", error, "leave the name out of output_uri, or rename the data"
        ) from None


def _cannot_hold(field: str, error: NameDoesNotFit, advice: str) -> InvalidRequest:
    return InvalidRequest([FieldError(field, f"{error}, which this URI cannot hold: {advice}")])


def _place(blob: Blob) -> str:
    """The folder of the blob in an output that nobody names; it holds no placeholder."""
    folder = re.sub(UNFIT_IN_OUTPUT, "_", blob.folder[:_LONGEST_FOLDER]).strip("/")
    return f"{folder}/" if folder else ""


def _values(blob: Blob, run_id: str, *, over_file: bool) -> dict[str, str]:
    path = blob.name if over_file else f"{blob.folder}/" if blob.folder else ""
    return {
        "run_id": run_id,
        "account": blob.account,
        "container": blob.container,
        "folder": blob.folder,
        "file": blob.file,
        "path": path,
        **times(blob.created_at),
    }


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
