"""Which values the variables take. The checker compares these tables with main.bicep and connections.bicep."""

from collections.abc import Iterator, Mapping

from infra.hooks.report import Finding, Problem, alternatives

TRUE = ("true", "True", "TRUE", "t", "T", "1")
FALSE = ("false", "False", "FALSE", "f", "F", "0")
"""The spellings that azd reads. It takes the default for any other, in silence."""

TRUE_OR_FALSE = ("PRIVATE_NETWORKING", "DURABLE_MANAGEMENT_URLS", "JOB_EVENTS", "NOTIFICATION_WEBHOOK")
ONE_OF = {
    "DURABLE_BACKEND": ("AzureStorage", "DurableTaskScheduler"),
    "BATCH_IDENTITY": ("ManagedIdentity", "ServicePrincipal"),
    "WORKSPACE_ROLE": ("DataScientist", "Custom", "None"),
    "INSTANCE_MEMORY_MB": ("512", "2048", "4096"),
    "NEW_DATA_START": ("file", "folder", "marker"),
}
WHOLE_NUMBERS = {
    "MAXIMUM_INSTANCE_COUNT": (1, 1000),
    "ALWAYS_READY_DURABLE": (0, 20),
    "HTTP_CONCURRENCY": (1, 1000),
    "RUN_RETENTION_DAYS": (1, 3650),
    "LOG_RETENTION_DAYS": (30, 730),
    "SUBMISSION_SETTLE_SECONDS": (30, 3600),
    "NEW_DATA_QUIET_SECONDS": (1, 86400),
    "NEW_DATA_LONGEST_WAIT_SECONDS": (1, 432000),
}
"""The least and the greatest."""

_LONGEST_WORD = 24


def is_true(environment: Mapping[str, str], name: str) -> bool:
    return environment[name] in TRUE


def whole_number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment[name]
    return int(text) if text.isascii() and text.isdecimal() else None


def shown(value: str) -> str:
    """A secret may stand in the wrong variable, such as the address of a webhook. A word is none."""
    return repr(value) if len(value) <= _LONGEST_WORD else "a longer text"


def wrong_values(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name in TRUE_OR_FALSE:
        if environment[name] not in TRUE + FALSE:
            yield Problem(
                f"{name} is {shown(environment[name])}. It must be true or false: azd takes the default for others.",
                alternatives(f"azd env set {name} true", f"azd env set {name} false"),
            )
    for name, values in ONE_OF.items():
        if environment[name] not in values:
            yield Problem(
                f"{name} is {shown(environment[name])}. It must be {', '.join(values[:-1])} or {values[-1]},"
                " in exactly these letters.",
                alternatives(*(f"azd env set {name} {value}" for value in values)),
            )
    for name, (least, greatest) in WHOLE_NUMBERS.items():
        number = whole_number(environment, name)
        if number is None or not least <= number <= greatest:
            yield Problem(
                f"{name} is {shown(environment[name])}. It must be a whole number from {least} to {greatest}.",
                (f"azd env set {name} <number>",),
            )
