import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions_host.settings import SettingsError, expand_settings, load_settings


def write_app(folder: Path, host: Any = None, local: Any = None) -> Path:
    (folder / "host.json").write_text(
        host if isinstance(host, str) else json.dumps(host or {"version": "2.0"})
    )
    if local is not None:
        (folder / "local.settings.json").write_text(local if isinstance(local, str) else json.dumps(local))
    return folder


def durable(**settings: Any) -> dict[str, Any]:
    return {"version": "2.0", "extensions": {"durableTask": settings}}


def test_defaults_without_any_setting(tmp_path: Path) -> None:
    settings = load_settings(write_app(tmp_path), {})
    assert settings.route_prefix == "api"
    assert settings.local_port == 7071
    assert settings.hub.hub_name == "TestHubName"
    assert settings.hub.default_version == ""
    assert settings.hub.overridable_states == "NonRunningStates"
    assert not settings.open_telemetry
    assert settings.hub.max_concurrent_activities == 10 * (os.cpu_count() or 1)
    assert settings.hub.max_concurrent_orchestrators == 10 * (os.cpu_count() or 1)
    assert settings.hub.control_queue_visibility == timedelta(minutes=5)
    assert settings.hub.work_item_queue_visibility == timedelta(minutes=5)


def test_every_setting_of_host_json(tmp_path: Path) -> None:
    host = {
        "version": "2.0",
        "telemetryMode": "openTelemetry",
        "extensions": {
            "http": {"routePrefix": "/svc/v1/"},
            "durableTask": {
                "hubName": "MyHub",
                "defaultVersion": "3.1",
                "maxConcurrentActivityFunctions": 3,
                "maxConcurrentOrchestratorFunctions": 4,
                "overridableExistingInstanceStates": "anyState",
                "storageProvider": {
                    "type": "AzureStorage",
                    "controlQueueVisibilityTimeout": "00:01:00",
                    "workItemQueueVisibilityTimeout": "00:02:30",
                },
            },
        },
    }
    settings = load_settings(write_app(tmp_path, host), {})
    assert settings.route_prefix == "svc/v1"
    assert settings.hub.hub_name == "MyHub"
    assert settings.hub.default_version == "3.1"
    assert settings.hub.max_concurrent_activities == 3
    assert settings.hub.max_concurrent_orchestrators == 4
    assert settings.hub.overridable_states == "AnyState"
    assert settings.hub.control_queue_visibility == timedelta(minutes=1)
    assert settings.hub.work_item_queue_visibility == timedelta(minutes=2, seconds=30)
    assert settings.open_telemetry


def test_an_empty_route_prefix_is_kept(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"extensions": {"http": {"routePrefix": ""}}})
    assert load_settings(app, {}).route_prefix == ""


def test_host_json_keys_are_case_insensitive(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"Extensions": {"DurableTask": {"HubName": "MyHub"}}})
    assert load_settings(app, {}).hub.hub_name == "MyHub"


def test_the_environment_overrides_host_json(tmp_path: Path) -> None:
    app = write_app(tmp_path, durable(hubName="FromFile"))
    environment = {
        "AzureFunctionsJobHost__extensions__durableTask__hubName": "FromEnvironment",
        "AzureFunctionsJobHost__extensions__http__routePrefix": "x",
    }
    settings = load_settings(app, environment)
    assert (settings.hub.hub_name, settings.route_prefix) == ("FromEnvironment", "x")


def test_hub_name_may_refer_to_settings(tmp_path: Path) -> None:
    app = write_app(tmp_path, durable(hubName="%TEAM%Hub%NUMBER%"), {"Values": {"TEAM": "red"}})
    assert load_settings(app, {"NUMBER": "7"}).hub.hub_name == "redHub7"


def test_values_are_added_and_the_environment_overrides_them(tmp_path: Path) -> None:
    values = {"NEW": "file", "SET": "file", "NUMBER": 5, "YES": True, "NOTHING": None, "EMPTY": ""}
    environment = {"SET": "real"}
    load_settings(write_app(tmp_path, local={"IsEncrypted": False, "Values": values}), environment)
    assert environment == {"NEW": "file", "SET": "real", "NUMBER": "5", "YES": "true", "EMPTY": ""}


def test_port_comes_from_local_settings(tmp_path: Path) -> None:
    app = write_app(tmp_path, local={"Values": {}, "Host": {"LocalHttpPort": 7099}})
    assert load_settings(app, {}).local_port == 7099


def test_comments_and_byte_order_mark_are_ignored(tmp_path: Path) -> None:
    local = '\ufeff{ // note\n "Values": { /* two\nlines */ "URL": "https://x/*y*/" } }'
    environment: dict[str, str] = {}
    load_settings(write_app(tmp_path, local=local), environment)
    assert environment == {"URL": "https://x/*y*/"}


@pytest.mark.parametrize(
    ("host", "local", "reason"),
    [
        (None, {"IsEncrypted": True, "Values": {"A": "x"}}, "is encrypted"),
        (None, {"Values": {"A": {"b": 1}}}, "the value of A must be text"),
        (None, '{"Values": ', "local.settings.json is not valid JSON"),
        (None, "[]", "must hold a JSON object"),
        (None, {"Values": []}, None),
        (None, {"Values": [1]}, "Values must be a JSON object"),
        ('{"version" "2.0"}', None, "host.json is not valid JSON"),
        (durable(hubName="%NOT_SET%"), None, "refers to the setting NOT_SET"),
        (durable(hubName="1hub"), None, "must start with a letter"),
        (durable(hubName="a-b"), None, "letters and digits only"),
        (durable(hubName="x" * 46), None, "3 to 45 characters"),
        (durable(maxConcurrentActivityFunctions=0), None, "maxConcurrentActivityFunctions is 0"),
        (durable(maxConcurrentOrchestratorFunctions="many"), None, "is 'many'"),
        (durable(overridableExistingInstanceStates="Some"), None, "must be NonRunningStates or AnyState"),
        (durable(storageProvider={"controlQueueVisibilityTimeout": "00:00:59"}), None, "is '00:00:59'"),
        (durable(storageProvider={"workItemQueueVisibilityTimeout": "01:00:01"}), None, "is '01:00:01'"),
        (durable(storageProvider={"workItemQueueVisibilityTimeout": "5 minutes"}), None, "is '5 minutes'"),
    ],
)
def test_wrong_settings_are_refused_with_the_reason(
    tmp_path: Path, host: Any, local: Any, reason: str | None
) -> None:
    app = write_app(tmp_path, host, local)
    if reason is None:
        load_settings(app, {})
        return
    with pytest.raises(SettingsError, match=reason):
        load_settings(app, {})


def test_a_folder_without_host_json_is_not_an_app(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"has no host\.json"):
        load_settings(tmp_path, {})


def test_an_encrypted_value_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(write_app(tmp_path, local={"IsEncrypted": True, "Values": {"A": "c2VjcmV0"}}), {})
    assert "c2VjcmV0" not in str(refusal.value)


def test_text_without_references_is_unchanged() -> None:
    assert expand_settings("100% of it", {}) == "100% of it"
