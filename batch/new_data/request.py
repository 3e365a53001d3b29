"""From new data to the request of a run, and to the ids that make it start once."""

import hashlib
import json
from typing import Any
from urllib.parse import quote

from batch.addresses import PUBLIC_CLOUD
from batch.api.request import parse_fields
from batch.data_uri import DEFAULT_OUTPUT, RUN_ID_PLACEHOLDER
from batch.new_data.blob import Blob
from batch.new_data.earlier_version import EarlierUpload
from batch.new_data.rules import DEFAULT_INPUT, NewDataRule, Start
from batch.new_data.upload import FolderUpload
from batch.run.request import RunRequest
from batch.run.source import DataSource
from batch.run.steps import StartRun
from batch.settings import Settings


def upload_id(rule: NewDataRule, blob: Blob) -> str:
    """The same for every delivery of the same content under the same rule, and only then."""
    return f"{rule.start}-{_digest(rule.id, blob.account, blob.container, blob.name, blob.version)}"


def folder_id(rule: NewDataRule, blob: Blob) -> str:
    """The same for all blobs that one window gathers."""
    return _digest(rule.id, blob.account, blob.container, blob.folder)


def request_for(rule: NewDataRule, blob: Blob, run_id: str, settings: Settings) -> RunRequest:
    """The request of the run that ``blob`` starts, over the blob or its folder. Raises InvalidRequest."""
    input_uri = rule.input_uri
    if input_uri == DEFAULT_INPUT:
        input_uri = input_uri.replace(PUBLIC_CLOUD.blob_suffix, settings.cloud.blob_suffix)
    fields = {
        **rule.request_fields(),
        "run_id": run_id,
        "endpoint_input_type": "UriFile" if rule.start == Start.FILE else "UriFolder",
        "endpoint_input_uri": _fill(input_uri, rule, blob, run_id),
        # The request fills in the run id, and keeps the URI as it was before.
        "endpoint_output_uri": _fill(_output_uri(rule, settings), rule, blob, RUN_ID_PLACEHOLDER),
    }
    return parse_fields(fields, None, settings)[1]


def upload_for(rule: NewDataRule, blob: Blob, run_id: str, request: RunRequest) -> FolderUpload:
    """What the orchestration of ``blob`` is started with, under a folder rule."""
    return FolderUpload(
        run_id=run_id,
        window_key=folder_id(rule, blob),
        request=request,
        source=blob.source(),
        quiet_seconds=rule.quiet_seconds,
        longest_wait_seconds=rule.longest_wait_seconds,
    )


def start_of(value: dict[str, Any], settings: Settings) -> StartRun:
    """The input of ``start_run``. Raises InvalidRequest if that of an earlier version makes no valid request."""
    if "upload" not in value:
        return StartRun.from_json(value)
    upload = EarlierUpload.from_json(value["upload"])
    rule = NewDataRule.model_construct(**upload.rule)
    request = request_for(rule, upload.blob, upload.run_id, settings)
    return StartRun(run_id=upload.run_id, request=request, source=DataSource.from_json(value["source"]))


def _output_uri(rule: NewDataRule, settings: Settings) -> str:
    """A rule without an output has that of the app. It has one of its own even where the app has none."""
    return (
        (settings.default_output or DEFAULT_OUTPUT) if rule.output_uri == DEFAULT_OUTPUT else rule.output_uri
    )


def _fill(template: str, rule: NewDataRule, blob: Blob, run_id: str) -> str:
    """Names are percent-encoded: a blob may be called ``a#b?.csv``, a URI may not."""
    path = blob.name if rule.start == Start.FILE else f"{blob.folder}/" if blob.folder else ""
    names = {"folder": blob.folder, "file": blob.file, "path": path}
    return template.format(
        run_id=run_id,
        account=blob.account,
        container=blob.container,
        date=f"{blob.created_at:%Y-%m-%d}",
        **{name: quote(value) for name, value in names.items()},
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
