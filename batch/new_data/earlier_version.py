"""Windows in flight that a version before 0.2 began. They carry rule and blob instead of the request.

A window is in flight for at most five days (the longest wait of a rule) and an hour. Delete this file when no
deployment runs such a version.
"""

from typing import Any

from batch.new_data.blob import Blob
from batch.run.source import DataSource
from batch.stored import Stored


class _Times(Stored):
    quiet_seconds: int
    longest_wait_seconds: int


class EarlierUpload(Stored):
    """The input of such a window. ``rule`` was validated when that version read its settings."""

    rule: dict[str, Any]
    blob: Blob
    run_id: str
    window_key: str
    failure: str | None = None


def upload_fields(value: object) -> dict[str, Any] | None:
    """Fields of a FolderUpload from the input of such a window; None for any other input."""
    if not isinstance(value, dict) or "rule" not in value:
        return None
    upload = EarlierUpload.from_json(value)
    times = _Times.from_json(upload.rule)
    return {
        "run_id": upload.run_id,
        "window_key": upload.window_key,
        "source": upload.blob.source(),
        "quiet_seconds": times.quiet_seconds,
        "longest_wait_seconds": times.longest_wait_seconds,
        "failure": upload.failure,
        "earlier": {name: each for name, each in value.items() if name != "failure"},
    }


def start_input(earlier: dict[str, Any] | None, source: DataSource) -> dict[str, Any]:
    """The input of ``start_run``, in the form that such a version gave it."""
    return {"upload": earlier, "source": source.to_json()}
