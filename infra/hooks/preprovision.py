"""Finds what Azure would refuse, before azd asks it: all problems at once, each with the command that mends it."""

from collections.abc import Iterator
from pathlib import Path

from infra.hooks import environment
from infra.hooks.azure_cli import AzureCli, AzureCliError
from infra.hooks.azure_findings import findings_in_azure
from infra.hooks.azure_state import look_up
from infra.hooks.console import end_with, say
from infra.hooks.report import Finding, Problem
from infra.hooks.settings import RULES, findings_of_settings


def main() -> int:
    say("Checking the settings of this environment, and what they meet in Azure")
    findings = list(_findings(environment.current()))
    problems = [finding for finding in findings if isinstance(finding, Problem)]
    for finding in findings:
        if not isinstance(finding, Problem):
            say(str(finding))
    if not problems:
        say("No problem found.")
        return 0
    say("Nothing was changed in Azure. Mend this, then run the command again:")
    for problem in problems:
        say(str(problem))
    return 1


def _findings(values: dict[str, str]) -> Iterator[Finding]:
    yield from findings_of_settings(values, Path(RULES).read_text(encoding="utf-8"))
    try:
        azure = AzureCli.signed_in(values.get("AZURE_SUBSCRIPTION_ID", ""))
    except AzureCliError as error:
        yield Problem(str(error), ())
        return
    yield from findings_in_azure(values, look_up(azure, values))


if __name__ == "__main__":
    end_with(main, "Nothing was changed in Azure.")
