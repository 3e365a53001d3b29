"""Which version of a data asset is scored, and what a run is told where Azure ML does not say it."""

from typing import Any

import pytest

from batch.azure_ml import data_assets
from batch.azure_ml.data_assets import resolved_inputs
from batch.azure_ml.rest import AnswerLost, HttpError, NotSent
from batch.errors import ErrorCode, RunError
from batch.run.request import Binding, RunRequest
from tests.batch.builders import INPUT_URI, WORKSPACE_ID, request, settings

ASSET = f"{WORKSPACE_ID}/data/heart"
IN_WORKSPACE = settings(AZURE_ML_WORKSPACE_ID=WORKSPACE_ID)


def _asked(*uris: str) -> RunRequest:
    return request(inputs={f"i{n}": Binding(type="UriFolder", uri=uri) for n, uri in enumerate(uris)})


def _answer(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any] | RunError) -> list[str]:
    """The addresses that are read from now on; each read gets this answer."""
    asked: list[str] = []

    def read(url: str, audience: str, params: dict[str, str]) -> dict[str, Any]:
        assert audience == IN_WORKSPACE.arm_audience
        asked.append(url)
        if isinstance(answer, RunError):
            raise answer
        return answer

    monkeypatch.setattr(data_assets, "read", read)
    return asked


def _latest(version: object) -> dict[str, Any]:
    return {"properties": {"latestVersion": version}}


def test_names_become_the_resource_ids_of_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _answer(monkeypatch, _latest("7"))
    found = resolved_inputs(_asked("azureml:heart@latest", "azureml:heart:3", INPUT_URI), IN_WORKSPACE)
    assert found == {"i0": f"{ASSET}/versions/7", "i1": f"{ASSET}/versions/3"}
    assert asked == [
        f"https://management.azure.com{ASSET}",
        f"https://management.azure.com{ASSET}/versions/3",
    ]


@pytest.mark.parametrize(
    "uri",
    [
        INPUT_URI,
        f"{ASSET}/versions/1",
        "azureml://registries/shared/data/heart/labels/latest",
        "azureml://jobs/batchjob-1/outputs/score/paths/",
        "https://lake.blob.core.windows.net/in",
    ],
)
def test_what_names_its_data_is_sent_as_it_is(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _answer(monkeypatch, _latest("7"))
    literal = request(inputs={"mode": Binding(type="Literal", value="azureml:heart@latest")})
    assert resolved_inputs(_asked(uri), IN_WORKSPACE) == resolved_inputs(literal, IN_WORKSPACE) == {}
    assert asked == []


@pytest.mark.parametrize(
    ("uri", "answer", "words"),
    [
        ("azureml:heart@latest", HttpError(404, ErrorCode.NOT_FOUND, "It says no."), "register it"),
        ("azureml:heart:3", HttpError(404, ErrorCode.NOT_FOUND, "It says no."), "name another one"),
        ("azureml:heart@latest", _latest(None), "has no version in the workspace ws: register one"),
        ("azureml:heart@prod", _latest("7"), "no label but latest"),
    ],
)
def test_an_asset_that_is_not_there_is_an_error_of_the_request(
    uri: str, answer: dict[str, Any] | RunError, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answer(monkeypatch, answer)
    with pytest.raises(RunError, match=words) as error:
        resolved_inputs(_asked(INPUT_URI, uri), IN_WORKSPACE)
    assert error.value.message.startswith(f"Input i1 names the data asset {uri.removeprefix('azureml:')}")
    assert (error.value.code, error.value.retryable) == (ErrorCode.REQUEST_REJECTED, False)


def test_an_app_that_may_not_read_assets_says_which_role_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    _answer(monkeypatch, HttpError(403, ErrorCode.ACCESS_DENIED, "It says no."))
    with pytest.raises(RunError, match="needs the role AzureML Data Scientist on the workspace ws") as error:
        resolved_inputs(_asked("azureml:heart@latest"), IN_WORKSPACE)
    assert error.value.code == ErrorCode.ACCESS_DENIED


@pytest.mark.parametrize(
    "failure",
    [
        NotSent("No address."),
        AnswerLost("No answer."),
        HttpError(503, ErrorCode.SERVICE_UNAVAILABLE, "Busy.", retry_after=7.0),
    ],
)
def test_an_outage_is_passed_on_as_it_is(failure: RunError, monkeypatch: pytest.MonkeyPatch) -> None:
    _answer(monkeypatch, failure)
    with pytest.raises(RunError) as error:
        resolved_inputs(_asked("azureml:heart@latest"), IN_WORKSPACE)
    assert error.value is failure
    assert failure.retryable


@pytest.mark.parametrize("version", [7, ["7"], "../../jobs", "7?a=b", "..", {}])
def test_a_version_that_cannot_be_one_is_not_sent(version: object, monkeypatch: pytest.MonkeyPatch) -> None:
    _answer(monkeypatch, _latest(version))
    with pytest.raises(RunError) as error:
        resolved_inputs(_asked("azureml:heart@latest"), IN_WORKSPACE)
    assert (error.value.code, error.value.retryable) == (
        (ErrorCode.SERVICE_UNAVAILABLE, True) if version else (ErrorCode.REQUEST_REJECTED, False)
    )


def test_without_a_workspace_a_version_is_sent_as_it_is_and_a_label_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = _answer(monkeypatch, _latest("7"))
    assert resolved_inputs(_asked("azureml:heart:3"), settings()) == {}
    with pytest.raises(RunError, match="AZURE_ML_WORKSPACE_ID") as error:
        resolved_inputs(_asked("azureml:heart@latest"), settings())
    assert error.value.code == ErrorCode.REQUEST_REJECTED
    assert asked == []
