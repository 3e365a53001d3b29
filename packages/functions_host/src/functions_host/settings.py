"""Settings of the host: host.json and local.settings.json, read as the Azure Functions Core Tools read them."""

import json
import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from functions_host.durable.hub_options import HubOptions

DEFAULT_PORT = 7071
_OVERRIDE_PREFIX = "azurefunctionsjobhost__"
_COMMENT_OR_STRING = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_SETTING_REFERENCE = re.compile(r"%([^%]+)%")
_HUB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,44}")
_TIME_SPAN = re.compile(r"(?P<hours>[0-9]{1,2}):(?P<minutes>[0-5][0-9]):(?P<seconds>[0-5][0-9])")
_OVERRIDABLE_STATES = {"nonrunningstates": "NonRunningStates", "anystate": "AnyState"}


class SettingsError(Exception):
    """A settings file is missing or wrong. The text says which, and what to change."""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """``route_prefix`` has no slashes at its ends and may be empty.

    ``open_telemetry``: host.json has ``"telemetryMode": "OpenTelemetry"``.
    """

    route_prefix: str
    hub: HubOptions
    local_port: int
    open_telemetry: bool


def load_settings(app_dir: Path, environment: MutableMapping[str, str] = os.environ) -> HostSettings:
    """Reads the settings files of the app and adds local.settings.json ``Values`` to the environment.

    A variable that is already in the environment keeps its value. Raises SettingsError.
    """
    local_settings = _local_settings(app_dir)
    for name, value in _values(local_settings).items():
        environment.setdefault(name, value)
    host = _host_json(app_dir)
    _apply_overrides(host, environment)
    return HostSettings(
        route_prefix=str(_section(host, "extensions", "http").get("routeprefix", "api")).strip("/"),
        hub=_hub_options(_section(host, "extensions", "durabletask"), environment),
        local_port=int(_section(local_settings, "Host").get("LocalHttpPort", DEFAULT_PORT)),
        open_telemetry=str(host.get("telemetrymode")).lower() == "opentelemetry",
    )


def expand_settings(text: str, environment: Mapping[str, str]) -> str:
    """Replaces each ``%NAME%`` by the setting NAME. Raises SettingsError if it is not set."""

    def value(reference: re.Match[str]) -> str:
        name = reference.group(1)
        if name not in environment:
            raise SettingsError(f"'{text}' refers to the setting {name}, which is not set.")
        return environment[name]

    return _SETTING_REFERENCE.sub(value, text)


def _hub_options(durable_task: Mapping[str, Any], environment: Mapping[str, str]) -> HubOptions:
    defaults = HubOptions()
    hub_name = expand_settings(str(durable_task.get("hubname", defaults.hub_name)), environment)
    if not _HUB_NAME.fullmatch(hub_name):
        raise SettingsError(
            f"host.json: the task hub name '{hub_name}' must start with a letter, hold letters and digits "
            "only, and be 3 to 45 characters long."
        )
    states = str(durable_task.get("overridableexistinginstancestates", defaults.overridable_states))
    if states.lower() not in _OVERRIDABLE_STATES:
        raise SettingsError(
            f"host.json: overridableExistingInstanceStates is '{states}'; "
            "it must be NonRunningStates or AnyState."
        )
    # durable-functions behaviour: the default is ten per core, except in the Consumption plan.
    per_host = 10 * (os.cpu_count() or 1)
    storage = _section(durable_task, "storageprovider")
    return HubOptions(
        hub_name=hub_name,
        default_version=str(durable_task.get("defaultversion") or ""),
        max_concurrent_activities=_limit(durable_task, "maxConcurrentActivityFunctions", per_host),
        max_concurrent_orchestrators=_limit(durable_task, "maxConcurrentOrchestratorFunctions", per_host),
        overridable_states=_OVERRIDABLE_STATES[states.lower()],
        control_queue_visibility=_visibility(storage, "controlQueueVisibilityTimeout"),
        work_item_queue_visibility=_visibility(storage, "workItemQueueVisibilityTimeout"),
    )


def _limit(durable_task: Mapping[str, Any], name: str, default: int) -> int:
    value = durable_task.get(name.lower(), default)
    if not str(value).isdecimal() or int(value) < 1:
        raise SettingsError(f"host.json: {name} is {value!r}; it must be a whole number of at least 1.")
    return int(value)


def _visibility(storage: Mapping[str, Any], name: str) -> timedelta:
    value = str(storage.get(name.lower(), "00:05:00"))
    found = _TIME_SPAN.fullmatch(value)
    span = timedelta(**{unit: int(number) for unit, number in found.groupdict().items()}) if found else None
    # durable-functions behaviour: the extension does not start with a value outside this range.
    if span is None or not timedelta(minutes=1) <= span <= timedelta(hours=1):
        raise SettingsError(f"host.json: {name} is '{value}'; it must be a time from 00:01:00 to 01:00:00.")
    return span


def _local_settings(app_dir: Path) -> dict[str, Any]:
    path = app_dir / "local.settings.json"
    if not path.is_file():
        return {}
    settings = _read_json_object(path)
    if settings.get("IsEncrypted"):
        raise SettingsError(
            f"{path} is encrypted, and only the machine that encrypted it can read it. "
            "Run 'func settings decrypt' there, or set the values as environment variables."
        )
    return settings


def _values(local_settings: Mapping[str, Any]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in _section(local_settings, "Values").items():
        if isinstance(value, dict | list):
            raise SettingsError(
                f"local.settings.json: the value of {name} must be text, not an object or list."
            )
        if value is not None:
            values[name] = value if isinstance(value, str) else json.dumps(value)
    return values


def _host_json(app_dir: Path) -> dict[str, Any]:
    """host.json with all keys in lower case, because configuration keys are case-insensitive."""
    path = app_dir / "host.json"
    if not path.is_file():
        raise SettingsError(f"{app_dir} is not a function app folder: it has no host.json.")
    return _lower_keys(_read_json_object(path))


def _lower_keys(section: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key.lower(): _lower_keys(value) if isinstance(value, dict) else value
        for key, value in section.items()
    }


def _apply_overrides(host: dict[str, Any], environment: Mapping[str, str]) -> None:
    """``AzureFunctionsJobHost__a__b=value`` in the environment overrides ``a.b`` of host.json."""
    for name, value in environment.items():
        if name.lower().startswith(_OVERRIDE_PREFIX):
            *parents, leaf = name.lower()[len(_OVERRIDE_PREFIX) :].split("__")
            section = host
            for parent in parents:
                section = section.setdefault(parent, {})
            section[leaf] = value


def _section(settings: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    section: dict[str, Any] = {**settings}
    for name in path:
        section = section.get(name) or {}
        if not isinstance(section, dict):
            raise SettingsError(f"{'.'.join(path)} must be a JSON object.")
    return section


def _read_json_object(path: Path) -> dict[str, Any]:
    # These files may have comments; editors on Windows may begin them with a byte order mark.
    text = path.read_text(encoding="utf-8-sig")
    try:
        content = json.loads(_COMMENT_OR_STRING.sub(_keep_strings, text))
    except ValueError as error:
        raise SettingsError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold a JSON object.")
    return content


def _keep_strings(match: re.Match[str]) -> str:
    text = match.group(0)
    return text if text.startswith('"') else " "
