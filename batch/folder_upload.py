"""One finished upload under a folder rule: what the orchestration that stands for it is started with."""

from datetime import timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from batch.blob_events import Blob
from batch.new_data_request import folder_id
from batch.new_data_rules import NewDataRule


class FolderUpload(BaseModel):
    model_config = ConfigDict(frozen=True)

    rule: NewDataRule
    blob: Blob

    @classmethod
    def from_json(cls, value: object) -> Self:
        return cls.model_validate(value, strict=False)

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @property
    def window_key(self) -> str:
        return folder_id(self.rule, self.blob)

    @property
    def quiet(self) -> timedelta:
        return timedelta(seconds=self.rule.quiet_seconds)

    @property
    def longest_wait(self) -> timedelta:
        return timedelta(seconds=self.rule.longest_wait_seconds)
