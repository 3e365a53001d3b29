"""What a rule of any kind says of its runs."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from batch.data_uri import DEFAULT_OUTPUT, RUN_ID_PLACEHOLDER
from batch.new_data.template import Template
from batch.settings import Settings


class RunFields(BaseModel):
    """Where a run writes, and fields that go into its request as they are."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True
    )

    output_uri: Template = DEFAULT_OUTPUT
    endpoint_uri: str | None = None
    deployment: str | None = None
    poll_interval: int | None = None
    queue_timeout: int | None = None
    timeout: int | None = None
    on_timeout: str | None = None
    cancel_timeout: int | None = None
    overrides: dict[str, Any] | None = None
    tags: dict[str, Any] | None = None
    job_attempts: int | None = None
    retry_on: list[str] | None = None

    @model_validator(mode="after")
    def _writes_to_an_output_of_its_own(self) -> Self:
        if "{run_id}" not in self.output_uri:
            raise ValueError("output_uri must hold {run_id}: an output that exists already fails the job")
        return self

    def output_template(self, place: str, settings: Settings) -> str:
        """Where a run writes: a rule without an output has that of the app.

        Where the app has none either, it is below ``place``, which is empty or ends in a slash, and below the day:
        there people find it.
        """
        if self.output_uri != DEFAULT_OUTPUT:
            return self.output_uri
        if settings.default_output not in ("", DEFAULT_OUTPUT):
            return settings.default_output
        return DEFAULT_OUTPUT.replace(RUN_ID_PLACEHOLDER, f"{place}{{date}}/{RUN_ID_PLACEHOLDER}")

    def request_fields(self) -> dict[str, Any]:
        """Those that go into the request as they are."""
        return self.model_dump(include=set(RunFields.model_fields) - {"output_uri"}, exclude_none=True)
