"""When a request is the same as that of a run, also one that an earlier version of the app started."""

import hashlib
import json
from typing import Any

import pytest

from tests.batch.builders import ENDPOINT_URI, INPUT_URI, OUTPUT_URI, body, parse, settings

OF_VERSION_1_3 = {
    "endpoint_uri": ENDPOINT_URI,
    "inputs": {"input_data": {"type": "UriFolder", "uri": INPUT_URI}},
    "outputs": {},
    "poll_interval": 120,
    "timeout": 86_400,
    "on_timeout": "cancel",
}
FILLED = {"output_data": {"type": "UriFile", "uri": OUTPUT_URI.replace("{run_id}", "r-1")}}


def _fingerprint_of_version_1_3(request: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


@pytest.mark.parametrize("default", ["", "none", "azureml://datastores/lake/paths/{run_id}.csv"])
def test_a_run_that_an_earlier_version_started_without_an_output_was_asked_for_the_same(default: str) -> None:
    _, again = parse(body(run_id="r-1"), app=settings(DEFAULT_OUTPUT_URI=default))
    assert again.fingerprint() == _fingerprint_of_version_1_3(OF_VERSION_1_3)


def test_a_run_that_an_earlier_version_started_with_a_filled_output_was_asked_for_the_same() -> None:
    _, again = parse(body(run_id="r-1", endpoint_output_uri=OUTPUT_URI))
    assert again.outputs["output_data"].template == OUTPUT_URI
    assert again.fingerprint() == _fingerprint_of_version_1_3(OF_VERSION_1_3 | {"outputs": FILLED})


def test_the_default_output_is_not_the_same_as_one_that_was_asked_for() -> None:
    _, by_default = parse(body(run_id="r-1"))
    _, asked = parse(body(run_id="r-1", endpoint_output_uri=settings().default_output))
    assert asked.output_uris() == by_default.output_uris()
    assert asked.fingerprint() != by_default.fingerprint()
