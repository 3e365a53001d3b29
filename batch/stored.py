"""Values that cross the task hub: they are written by one version of the app and read by another."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Stored(BaseModel):
    """A plain value as JSON. No rule for requests is applied when it is read: it was validated when the run started.

    A field that this version does not know is ignored. A field at its default is not written, so a default is
    what absence means and must not change.
    """

    # A model is built when it is first used: the cold start of the app does not wait for it.
    model_config = ConfigDict(frozen=True, defer_build=True)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Raises ValueError if ``value`` is not of this form."""
        return cls.model_validate(value)

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_defaults=True)
