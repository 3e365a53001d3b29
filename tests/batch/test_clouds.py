"""The app's table of clouds says what Azure itself says of each, and the templates hand over only which one it is."""

import pytest

from batch.addresses import CLOUDS, Cloud
from batch.settings import Settings
from infra.check.evaluation.surroundings import CHINA, PUBLIC, US_GOVERNMENT
from infra.check.evaluation.surroundings import Cloud as Environment

ENVIRONMENTS = (PUBLIC, US_GOVERNMENT, CHINA)
"""What ``environment()`` of a template gives: the metadata of Azure Resource Manager."""

EACH = pytest.mark.parametrize(
    ("environment", "cloud"),
    list(zip(ENVIRONMENTS, CLOUDS, strict=True)),
    ids=[environment.name for environment in ENVIRONMENTS],
)


@EACH
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_template_tells_the_cloud_by_its_resource_manager(
    environment: Environment, cloud: Cloud, slash: str
) -> None:
    settings = Settings.from_environment(
        {
            "AZURE_RESOURCE_MANAGER_URL": environment.resource_manager.rstrip("/") + slash,
            "AZURE_RESOURCE_MANAGER_AUDIENCE": "",
            "AZURE_ML_AUDIENCE": "",
        }
    )
    assert settings.cloud is cloud
    assert str(settings.arm_origin) == settings.arm_audience == environment.resource_manager.rstrip("/")
    assert settings.ml_audience == cloud.ml_audience


@EACH
def test_the_table_agrees_with_azure(environment: Environment, cloud: Cloud) -> None:
    assert f"https://{cloud.arm_host}" == environment.resource_manager.rstrip("/")
    assert f"https://{cloud.login_host}" == environment.login_endpoint.rstrip("/")
    assert cloud.storage_suffix == environment.storage_suffix


def test_no_address_belongs_to_two_clouds() -> None:
    for name in ("arm_host", "login_host", "ml_audience", "ml_api_host", "portal_host", "event_grid_host"):
        assert len({getattr(cloud, name) for cloud in CLOUDS}) == len(CLOUDS), name
