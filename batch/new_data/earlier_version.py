"""Windows in flight that a version before 0.2 began. They carry rule and blob instead of the request.

A window is in flight for at most five days (the longest wait of a rule) and an hour. This file may go once no
deployment of such a version can be updated any more.
"""

from typing import Any

from batch.new_data.blob import Blob
from batch.new_data.request import request_for
from batch.new_data.rules import NewDataRule
from batch.run.source import DataSource
from batch.run.steps import StartRun
from batch.settings import Settings
from batch.stored import Stored


class _Upload(Stored):
    rule: dict[str, Any]
    blob: Blob
    run_id: str
    window_key: str
    failure: str | None = None

    def rule_as_it_was(self) -> NewDataRule:
        """Built without its rules: they were applied when the rule was read from the settings of that version."""
        return NewDataRule.model_construct(**self.rule)


def upload_fields(value: object) -> dict[str, Any] | None:
    """Fields of a FolderUpload from the input of such a window; None for any other input."""
    if not isinstance(value, dict) or "rule" not in value:
        return None
    upload = _Upload.from_json(value)
    rule = upload.rule_as_it_was()
    return {
        "run_id": upload.run_id,
        "window_key": upload.window_key,
        "source": upload.blob.source(),
        "quiet_seconds": rule.quiet_seconds,
        "longest_wait_seconds": rule.longest_wait_seconds,
        "failure": upload.failure,
        "earlier": {name: each for name, each in value.items() if name != "failure"},
    }


def start_input(earlier: dict[str, Any] | None, source: DataSource) -> dict[str, Any]:
    """The input of ``start_run``, in the form that such a version gave it."""
    return {"upload": earlier, "source": source.to_json()}


def start_run(value: dict[str, Any], settings: Settings) -> StartRun:
    """The input of ``start_run``, in either form. Raises InvalidRequest if rule and blob make no valid request."""
    if "upload" not in value:
        return StartRun.from_json(value)
    upload = _Upload.from_json(value["upload"])
    request = request_for(upload.rule_as_it_was(), upload.blob, upload.run_id, settings)
    return StartRun(run_id=upload.run_id, request=request, source=DataSource.from_json(value["source"]))
