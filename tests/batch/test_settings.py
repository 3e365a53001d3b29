from datetime import timedelta

import pytest

from batch.addresses import PUBLIC_CLOUD, EndpointUri, Origin
from batch.errors import SettingsError
from batch.settings import Settings
from tests.batch.builders import ENDPOINT_URI, WORKSPACE_ID

SECRET = "S3cr3tMarker"


def test_without_settings_it_is_the_public_cloud_without_any_endpoint() -> None:
    settings = Settings.from_environment({})
    assert settings.endpoint_uri is None
    assert settings.allowed_origins == frozenset()
    assert settings.workspace_id is None
    assert settings.ml_audience == "https://ml.azure.com"
    assert settings.arm_origin == Origin("management.azure.com", 443)
    assert settings.arm_audience == "https://management.azure.com"
    assert settings.submission_settle == timedelta(seconds=90)
    assert settings.run_retention == timedelta(days=30)
    assert settings.public_base is None
    assert settings.gives_management_urls is False


def test_a_blank_setting_counts_as_absent() -> None:
    names = ["BATCH_ENDPOINT_URI", "ALLOWED_ENDPOINT_ORIGINS", "AZURE_ML_WORKSPACE_ID", "AZURE_ML_AUDIENCE"]
    for blank in ("", "  ", "\n"):
        assert Settings.from_environment(dict.fromkeys(names, blank)) == Settings.from_environment({})


def test_the_default_endpoint_is_allowed_besides_the_listed_origins() -> None:
    settings = Settings.from_environment(
        {
            "BATCH_ENDPOINT_URI": ENDPOINT_URI,
            "ALLOWED_ENDPOINT_ORIGINS": "https://a.example, https://b.example:444,",
        }
    )
    assert settings.endpoint_uri == EndpointUri.parse(ENDPOINT_URI)
    assert {str(origin) for origin in settings.allowed_origins} == {
        ENDPOINT_URI.removesuffix("/jobs"),
        "https://a.example",
        "https://b.example:444",
    }


def test_settings_select_a_sovereign_cloud() -> None:
    settings = Settings.from_environment(
        {
            "AZURE_ML_AUDIENCE": "https://ml.azure.us/",
            "AZURE_RESOURCE_MANAGER_URL": "https://management.usgovcloudapi.net",
        }
    )
    assert settings.ml_audience == "https://ml.azure.us"
    assert settings.arm_audience == str(settings.arm_origin) == "https://management.usgovcloudapi.net"


def test_a_resource_manager_of_no_cloud_counts_as_the_public_one() -> None:
    settings = Settings.from_environment({"AZURE_RESOURCE_MANAGER_URL": "https://127.0.0.1:8443"})
    assert settings.cloud is PUBLIC_CLOUD


def test_the_arm_audience_may_differ_from_its_address() -> None:
    settings = Settings.from_environment(
        {
            "AZURE_RESOURCE_MANAGER_URL": "https://localhost:8443",
            "AZURE_RESOURCE_MANAGER_AUDIENCE": "https://management.azure.com",
        }
    )
    assert settings.arm_origin == Origin("localhost", 8443)
    assert settings.arm_audience == "https://management.azure.com"


@pytest.mark.parametrize(
    ("given", "output"),
    [
        ("", "azureml://datastores/workspaceblobstore/paths/batch-runs/{run_id}/predictions.csv"),
        ("azureml://datastores/lake/paths/{run_id}.csv", "azureml://datastores/lake/paths/{run_id}.csv"),
        ("none", ""),
        (" None ", ""),
    ],
)
def test_the_default_output_may_be_changed_or_off(given: str, output: str) -> None:
    assert Settings.from_environment({"DEFAULT_OUTPUT_URI": given}).default_output == output


def test_run_history_is_in_the_region_of_the_job_unless_a_setting_says_where() -> None:
    region, elsewhere = "westeurope.api.azureml.ms", "evil.example"
    app = Settings.from_environment({})
    assert app.run_history(region) == Origin(region, 443)
    assert app.run_history(elsewhere) is app.run_history(None) is None
    local = Settings.from_environment({"AZURE_ML_RUN_HISTORY_URL": "https://127.0.0.1:8443"})
    for host in (region, elsewhere, None):
        assert local.run_history(host) == Origin("127.0.0.1", 8443)
    assert local.may_hold_logs(Origin("127.0.0.1", 8443))
    assert not app.may_hold_logs(Origin("127.0.0.1", 8443))


@pytest.mark.parametrize("seconds", ["1", "90", "3600", " 5 "])
def test_the_settle_time_is_in_seconds(seconds: str) -> None:
    settings = Settings.from_environment({"SUBMISSION_SETTLE_SECONDS": seconds})
    assert settings.submission_settle == timedelta(seconds=int(seconds))


@pytest.mark.parametrize(
    ("text", "given"), [("true", True), ("True", True), ("false", False), (" FALSE ", False)]
)
def test_durable_management_urls_are_given_only_if_asked_for(text: str, given: bool) -> None:
    settings = Settings.from_environment({"DURABLE_MANAGEMENT_URLS": text})
    assert settings.gives_management_urls is given


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "BATCH_ENDPOINT_URI",
            ["scores", "http://a.example/jobs", "https://a.example", f"https://a.example/jobs?sig={SECRET}"],
        ),
        (
            "ALLOWED_ENDPOINT_ORIGINS",
            [
                "*",
                "https://*.inference.ml.azure.com",
                "https://a.example/",
                "https://a.example;https://b.example",
                "http://a.example",
                "a.example",
                "https://a.example,nonsense",
                f"https://user:{SECRET}@a.example",
            ],
        ),
        ("AZURE_ML_WORKSPACE_ID", ["ws", WORKSPACE_ID + "/", WORKSPACE_ID + "/jobs/a", WORKSPACE_ID[1:]]),
        ("AZURE_ML_AUDIENCE", ["ml", "https://ml.azure.com/.default", "api://x"]),
        ("AZURE_RESOURCE_MANAGER_URL", ["http://localhost", "https://a.example/x", "https://a.example/x/"]),
        ("AZURE_ML_RUN_HISTORY_URL", ["history", "http://a.example", "https://a.example/history"]),
        ("AZURE_RESOURCE_MANAGER_AUDIENCE", ["arm", "https://management.azure.com/.default"]),
        ("DURABLE_MANAGEMENT_URLS", ["1", "yes", "on", "none", SECRET]),
        (
            "PUBLIC_BASE_URL",
            [
                f"https://front.example?code={SECRET}",
                f"https://user:{SECRET}@front.example",
                "http://front.example",
            ],
        ),
        (
            "DEFAULT_OUTPUT_URI",
            [
                "predictions.csv",
                "azureml://datastores/lake/paths/predictions.csv",
                "azureml://datastores/lake/paths/{run_id}/",
                "azureml://datastores/lake/{run_id}.csv",
                "https://acct.blob.core.windows.net/c/{run_id}.csv",
                "azureml://datastores/lake/paths/{run_id}/{date}.csv",
                "azureml://datastores/lake/paths/{run_id}" + "x" * 1_024,
                f"azureml://datastores/lake/paths/{{run_id}}?sig={SECRET}",
            ],
        ),
        ("SUBMISSION_SETTLE_SECONDS", ["0", "-1", "3601", "1.5", "1m", "ninety", "²", "9" * 5_000, SECRET]),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(name: str, values: list[str]) -> None:
    for value in values:
        with pytest.raises(SettingsError, match=rf"\b{name}\b") as error:
            Settings.from_environment({name: value})
        assert SECRET not in str(error.value)
