"""One finished upload under a folder rule: the input of its orchestration."""

from datetime import timedelta
from typing import Any, Self

from batch.new_data import earlier_version
from batch.new_data.ignored import IgnoreReason
from batch.new_data.window import Late
from batch.run.request import RunRequest
from batch.run.source import DataSource
from batch.run.steps import IgnoreUpload, StartRun
from batch.stored import Stored


class FolderUpload(Stored):
    """Everything that starting the run needs is decided when the blob comes; later rules and settings change nothing.

    ``source`` is this one blob; the window adds those of its folder. ``failure`` is set by the execution that could
    not start the run, for the next one to raise. ``earlier`` is the input of a window that an earlier version of the
    app began, which has no ``request``.

    ``late`` says what follows if the folder has started a run before; ``late_request`` is over this blob alone.
    ``single``: the window gathers one blob and nothing else, so nothing that comes after it is late.
    ``unfinished``: the content of the blob follows, and no event says when.
    """

    run_id: str
    window_key: str
    request: RunRequest | None = None
    source: DataSource
    quiet_seconds: int
    longest_wait_seconds: int
    failure: str | None = None
    late: Late = Late.RERUN
    late_request: RunRequest | None = None
    single: bool = False
    unfinished: bool = False
    earlier: dict[str, Any] | None = None

    @classmethod
    def from_json(cls, value: object) -> Self:
        fields = earlier_version.upload_fields(value)
        return super().from_json(value if fields is None else fields)

    def failed(self, failure: str) -> Self:
        return self.model_copy(update={"failure": failure})

    def start(self, source: DataSource) -> dict[str, Any]:
        """The input of ``start_run`` for a run over the blobs of ``source``, as JSON."""
        if self.request is None:
            return earlier_version.start_input(self.earlier, source)
        return StartRun(run_id=self.run_id, request=self.request, source=source).to_json()

    def start_late(self) -> dict[str, Any]:
        """The input of ``start_run`` for a run over this blob alone, as JSON."""
        request = self.late_request
        assert request is not None, "a rule with late: file gives the request"
        return StartRun(run_id=self.run_id, request=request, source=self.source).to_json()

    def ignored(self) -> dict[str, Any]:
        """The input of ``ignore_upload``, as JSON."""
        return IgnoreUpload(
            container=self.source.container, blob=self.source.first_blob, reason=IgnoreReason.LATE
        ).to_json()

    @property
    def quiet(self) -> timedelta:
        return timedelta(seconds=self.quiet_seconds)

    @property
    def longest_wait(self) -> timedelta:
        return timedelta(seconds=self.longest_wait_seconds)
