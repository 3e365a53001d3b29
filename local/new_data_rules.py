"""The rules for new data that will be deployed, made to work on one machine."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batch.addresses import Origin
from batch.new_data.rules import NewDataRule
from batch.new_data.settings import PLAIN_SETTINGS, RULES, TOPIC, NewData
from batch.settings import Settings
from client.command_line import CommandFailed
from local.event_grid import Container
from local.machine import INCOMING, inherited_environment
from local.rule_places import RulePlaces, in_this_workspace

_NEW_DATA = "NEW_DATA_"
_CONTAINER = PLAIN_SETTINGS["container"]
_OF_A_DEPLOYMENT = frozenset({"NEW_DATA_STORAGE_ACCOUNT_ID", "NEW_DATA_TOPIC_ID"})
"""Values of azd, which a person may have exported. The app does not read them."""
_URIS = ("input_uri", "output_uri")
_ORIGIN = re.compile(r"https://[^/]+")


@dataclass(frozen=True, slots=True)
class LocalRules:
    """``settings`` are those of the app; ``deployed`` are the rules as they were given.

    ``datastores`` maps names to folders, and ``storage`` the beginnings of storage URLs. ``changes`` says in words
    what is other here than where the rules are deployed.
    """

    settings: Mapping[str, str]
    deployed: NewData
    containers: tuple[Container, ...]
    datastores: Mapping[str, Path]
    storage: Mapping[str, Path]
    changes: Sequence[str]
    warnings: Sequence[str]


def given_settings(environment: Mapping[str, str], file: Path | None) -> dict[str, str]:
    """The ``NEW_DATA_*`` settings of ``environment``, or the rules of ``file``; empty if there are neither.

    One rule as plain settings needs no container: it is then ``incoming``. Raises CommandFailed.
    """
    given = {
        name: text.strip()
        for name, text in environment.items()
        if name.startswith(_NEW_DATA) and name not in _OF_A_DEPLOYMENT and text.strip()
    }
    if unknown := given.keys() - {TOPIC, RULES, *PLAIN_SETTINGS.values()}:
        raise CommandFailed(
            f"The app has no setting {', '.join(sorted(unknown))}. As plain settings one rule has"
            f" {', '.join(PLAIN_SETTINGS.values())}. All other fields of a rule need a file, RULES, or {RULES}."
        )
    rules = given.keys() - {TOPIC}
    if file is not None:
        if rules:
            raise CommandFailed(
                f"The rules are in {file}, and there is also {', '.join(sorted(rules))}."
                " Unset what is in the environment, or leave out RULES."
            )
        return {**given, RULES: _text(file)}
    if not rules:
        return {}
    return given if RULES in rules else {_CONTAINER: INCOMING.name, **given}


def _text(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise CommandFailed(f"RULES: {file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandFailed(f"RULES: {file} is not text in UTF-8.") from None
    if not text:
        raise CommandFailed(f"RULES: {file} is empty. A file without rules holds [].")
    return text


def local_rules(
    given: Mapping[str, str], state: Path, endpoint_uri: str, deployments: Sequence[str]
) -> LocalRules:
    """Endpoint and ``deployments`` are those of this machine. Raises SettingsError with the text of the app."""
    given = {TOPIC: INCOMING.topic, **given}
    rules = _as_json(given)
    deployed = _checked(given, rules, endpoint_uri)
    changes: list[str] = []
    warnings: list[str] = []
    local = [_on_this_machine(rule, index, deployments, changes) for index, rule in enumerate(rules)]
    names = dict.fromkeys(rule["container"] for rule in local if "container" in rule)
    # Without a rule for uploads nobody has checked the topic, and nothing is watched.
    containers = tuple(_container(given[TOPIC], name) for name in names) or (INCOMING,)
    places = RulePlaces(state, containers)
    for rule in local:
        places.add_input(rule)
    for rule in local:
        places.add_any(rule, rule.get("output_uri", ""))
    for index, (rule, checked) in enumerate(zip(local, deployed.in_order(), strict=True)):
        output_uri = rule.get("output_uri", "")
        if isinstance(checked, NewDataRule) and places.takes_its_results(checked, output_uri):
            warnings.append(
                f"Rule {index} takes its own results as new data, so each run starts another one."
                " Write them into another container, or where its prefix and suffix do not match."
            )
    return LocalRules(
        settings=_as_settings(given, local),
        deployed=deployed,
        containers=containers,
        datastores=places.datastores,
        storage=places.storage,
        changes=(*changes, *places.remarks),
        warnings=warnings,
    )


def _as_json(given: Mapping[str, str]) -> list[dict[str, Any]]:
    """Only the objects among the rules: the app says what is wrong with all else."""
    if RULES not in given:
        plain = {name: given.get(f"{_NEW_DATA}{name.upper()}") for name in ("container", *_URIS)}
        return [{name: text for name, text in plain.items() if text}]
    try:
        values = json.loads(given[RULES])
    except ValueError:
        return []
    return [rule for rule in values if isinstance(rule, dict)] if isinstance(values, list) else []


def _as_settings(given: Mapping[str, str], rules: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    settings = {name: text for name, text in given.items() if name != TOPIC}
    if RULES in given:
        return {**settings, RULES: json.dumps(rules)}
    [plain] = rules
    return {**settings, **{f"{_NEW_DATA}{name.upper()}": plain[name] for name in _URIS if name in plain}}


def _checked(given: Mapping[str, str], rules: Sequence[Mapping[str, Any]], endpoint_uri: str) -> NewData:
    """As the deployed app reads them; there, the origins of all endpoints are allowed."""
    origins = []
    for rule in rules:
        with suppress(ValueError):
            found = _ORIGIN.match(str(rule.get("endpoint_uri")))
            origins.append(str(Origin.parse(found[0] if found else "")))
    environment = {
        **inherited_environment(),
        "BATCH_ENDPOINT_URI": endpoint_uri,
        "ALLOWED_ENDPOINT_ORIGINS": ",".join(origins),
    }
    return NewData.from_environment(given, Settings.from_environment(environment))


def _on_this_machine(
    rule: Mapping[str, Any], index: int, deployments: Sequence[str], changes: list[str]
) -> dict[str, Any]:
    local = dict(rule)
    if uri := local.pop("endpoint_uri", None):
        changes.append(f"Rule {index}: the local endpoint takes the place of {uri}.")
    deployment = local.get("deployment")
    if deployment is not None and deployment not in deployments:
        del local["deployment"]
        changes.append(
            f"Rule {index}: the local endpoint has no deployment {deployment}; its default one scores."
        )
    for name in _URIS:
        if name in local and (short := in_this_workspace(local[name])) != local[name]:
            local[name] = short
            changes.append(f"Rule {index}: the datastore of {name} is one of the local workspace.")
    return local


def _container(topic: str, name: str) -> Container:
    _, _, subscription, _, group, _, _, _, account = topic.rstrip("/").split("/")
    return Container(account, name, subscription, group)
