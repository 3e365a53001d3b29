"""The rules for new data in words, for the terminal of ``serve``."""

from collections.abc import Iterator
from pathlib import Path

from batch.new_data.rules import NewDataRule, Start
from local.machine import container_folder
from local.new_data_rules import LocalRules


def in_words(rules: LocalRules, state: Path, url: str) -> str:
    """Which rules hold, where to put files, and what is other here than where the rules are deployed."""
    return "\n".join(_lines(rules, state, url))


def _lines(rules: LocalRules, state: Path, url: str) -> Iterator[str]:
    if not rules.deployed.in_order():
        yield "There are no rules for new data: no file starts a run."
        return
    yield "New data starts runs by these rules:"
    for rule in rules.deployed.rules:
        yield f"- {_upload(rule)} Put files into {_folder(rule, state)}/"
    for schedule in rules.deployed.schedules:
        yield (
            f"- A run starts at {schedule.cron}, time zone {schedule.time_zone}, over {schedule.input_uri}:"
            f" {schedule.name}."
        )
    yield from (f"WARNING: {warning}" for warning in rules.warnings)
    yield "What each rule took, and its next start; the log says why a file starts nothing:"
    yield f"  curl -s {url}/api/rules"
    for name, folder in rules.datastores.items():
        yield f"The datastore {name} is {folder}."
    if rules.changes:
        yield "Other than where they are deployed:"
        yield from (f"- {change}" for change in rules.changes)


def _upload(rule: NewDataRule) -> str:
    where = f"{rule.container}/{rule.prefix}"
    if rule.start == Start.MARKER:
        return f"Each folder of {where} starts a run when {rule.marker} comes into it."
    blobs = f"*{rule.suffix}" if rule.suffix else "any name"
    if rule.start == Start.FILE:
        return f"Each file of {where} with {blobs} starts a run."
    return (
        f"Each folder of {where} with {blobs} starts a run {rule.quiet_seconds} s after its last file, or"
        f" {rule.longest_wait_seconds} s after its first."
    )


def _folder(rule: NewDataRule, state: Path) -> Path:
    """A prefix can end within a name."""
    return container_folder(state, rule.container) / rule.prefix.rpartition("/")[0]
