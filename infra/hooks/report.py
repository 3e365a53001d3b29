"""What a check before the deployment finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something that Azure would refuse, or that would deploy an app that does not work."""

    what: str
    """The variable, and what is wrong with it."""

    remedy: tuple[str, ...]
    """Commands, one a line."""

    def __str__(self) -> str:
        return "\n".join([f"- {self.what}", *(f"    {line}" for line in self.remedy)])


@dataclass(frozen=True)
class Note:
    """Something to know. It does not stop the deployment."""

    text: str

    def __str__(self) -> str:
        return f"Note: {self.text}"


Finding = Problem | Note
