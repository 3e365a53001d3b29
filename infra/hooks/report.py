"""What a check before the deployment finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something that Azure would refuse, or that would deploy an app that does not work."""

    what: str
    """The variable, and what is wrong with it."""

    remedy: tuple[str, ...]
    """Commands, one a line. Each is run, one after the other, if it does not begin with ``or``."""

    def __str__(self) -> str:
        what = self.what.replace("\n", "\n  ")
        return "\n".join([f"- {what}", *(f"    {line}" for line in self.remedy)])


@dataclass(frozen=True)
class Note:
    """Something to know. It does not stop the deployment."""

    text: str

    def __str__(self) -> str:
        return f"Note: {self.text}"


Finding = Problem | Note


def alternatives(*commands: str) -> tuple[str, ...]:
    first, *others = commands
    return (first, *(f"or: {command}" for command in others))


def passed_once(variable: str) -> tuple[str, ...]:
    """How a secret gets to one command of azd, which then does not keep it."""
    return alternatives(
        f"{variable}='...' azd up",
        f"in PowerShell: $env:{variable} = '...'; azd up; Remove-Item Env:{variable}",
    )
