"""One finished upload under a folder rule: what the orchestration that stands for it is started with."""

from datetime import timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from batch.new_data.blob import Blob
from batch.new_data.request import folder_id, upload_id
from batch.new_data.rules import NewDataRule


class FolderUpload(BaseModel):
    """``run_id`` and ``window_key`` are fixed at the start: a later version of the app might derive others.

    ``failure`` is set by the execution that could not start the run, for the next one to raise.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    rule: NewDataRule
    blob: Blob
    run_id: str
    window_key: str
    failure: str | None = None

    @classmethod
    def of(cls, rule: NewDataRule, blob: Blob) -> Self:
        return cls(rule=rule, blob=blob, run_id=upload_id(rule, blob), window_key=folder_id(rule, blob))

    @classmethod
    def from_json(cls, value: object) -> Self:
        return cls.model_validate(value, strict=False)

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude={"failure"} if self.failure is None else None)

    def failed(self, failure: str) -> Self:
        return self.model_copy(update={"failure": failure})

    @property
    def quiet(self) -> timedelta:
        return timedelta(seconds=self.rule.quiet_seconds)

    @property
    def longest_wait(self) -> timedelta:
        return timedelta(seconds=self.rule.longest_wait_seconds)
