import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.api.data_uri import DATA_URI_PATTERN, check_data_uri, check_output_uri
from tests.batch.builders import WORKSPACE_ID

ACCEPTED = [
    "azureml://datastores/workspaceblobstore/paths/batch/predictions.csv",
    "azureml://datastores/lake/paths/in/a%20b/ü.csv",
    f"azureml:/{WORKSPACE_ID}/datastores/lake/paths/in",
    "azureml://locations/westeurope/workspaces/ws/data/heart/versions/labels/latest",
    "azureml:heart-unlabeled:1",
    "azureml:heart@latest",
    f"{WORKSPACE_ID}/data/heart/versions/1",
    f"{WORKSPACE_ID}/datastores/lake/paths/in/",
    "https://pipelinedata.blob.core.windows.net/sampledata/mnist",
    "abfss://container@account.dfs.core.windows.net/in",
    "wasbs://container@account.blob.core.windows.net/in",
]

REFUSED = [
    "",
    " ",
    "in/data",
    "/in/data",
    "file:///etc/passwd",
    "http://account.blob.core.windows.net/c/in",
    "ftp://host/in",
    "https://",
    "https:///in",
    "https://user@account.blob.core.windows.net/c",
    "https://user:password@account.blob.core.windows.net/c",
    "https://@account.blob.core.windows.net/c",
    "abfss://h",
    "abfss://account.dfs.core.windows.net/in",
    "wasbs://@account.blob.core.windows.net/in",
    "wasbs://container@",
    "abfss://a@b@account.dfs.core.windows.net/in",
    "abfss://container:password@account.dfs.core.windows.net/in",
    "wasbs://container:@account.blob.core.windows.net/in",
    "https://[::1/in",
    "azureml://datastores",
    "azureml://datastores/",
    "azureml://datastores@evil.com/lake/paths/in",
    "azureml://elsewhere/lake/paths/in",
    "azureml:heart",
    "azureml:heart:",
    "azureml:heart:1:2",
    "azureml:heart@stable",
    "azureml::1",
    "azureml:../x:1",
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a",
    "https://account.blob.core.windows.net/c/in put",
    "https://account.blob.core.windows.net/c\\in",
    "https://account.blob.core.windows.net/c/in\n",
    "https://account.blob.core.windows.net/c/\x00",
    "https://account.blob.core.windows.net/c/\ud800",
    "javascript:alert(1)",
    "data:text/csv,a",
]

SIGNED = [uri + query for uri in ACCEPTED for query in ("?sv=2024&sig=SECRET", "?", "#SECRET", "/?a=1#b")]


@pytest.mark.parametrize("uri", ACCEPTED)
def test_data_is_named_by_datastore_asset_resource_or_storage_url(uri: str) -> None:
    assert check_data_uri(uri) == uri
    assert check_output_uri(uri) == uri


@pytest.mark.parametrize("uri", REFUSED)
def test_anything_else_names_no_data(uri: str) -> None:
    with pytest.raises(ValueError, match="must be azureml://datastores"):
        check_data_uri(uri)


@pytest.mark.parametrize("uri", SIGNED)
@pytest.mark.parametrize("check", [check_data_uri, check_output_uri])
def test_a_signature_is_refused_and_not_repeated(check: object, uri: str) -> None:
    assert callable(check)
    with pytest.raises(ValueError, match="SAS signature") as refusal:
        check(uri)
    assert "SECRET" not in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["", "{", "}", "{}", "{RUN_ID}", "{run_id }", "{{run_id}}", "{run_id", "{x}{run_id}"]
)
def test_an_output_holds_no_other_braces_than_the_placeholder(name: str) -> None:
    uri = f"azureml://datastores/lake/paths/{name}"
    if name:
        with pytest.raises(ValueError, match=r"\{run_id\}"):
            check_output_uri(uri)
    assert check_output_uri(uri.replace(name, "{run_id}/x-{run_id}.csv") if name else uri)


_parts = st.text(st.sampled_from("aZ0$-._@:/[]%{}?# \n\\ü"), max_size=6)


@given(
    st.sampled_from(["abfss", "wasbs", "ABFSS", "wasb", "abfss "]),
    st.lists(_parts | st.sampled_from(["@", "c@h", "/", "container"]), max_size=4).map("".join),
)
def test_urls_of_containers_are_those_of_the_published_pattern(scheme: str, rest: str) -> None:
    """Callers that check with the pattern of the OpenAPI document get the same answer as from the app."""
    uri = f"{scheme}://{rest}"
    try:
        is_accepted = check_data_uri(uri) == uri
    except ValueError:
        is_accepted = False
    # In Python, $ also matches before a line break at the end.
    assert is_accepted is bool(re.fullmatch(DATA_URI_PATTERN.removesuffix("$"), uri))


@given(st.text(max_size=40), st.sampled_from(["", *ACCEPTED]))
def test_a_refusal_never_repeats_the_uri(text: str, prefix: str) -> None:
    uri = f"{prefix}MARKER{text}"
    for check in (check_data_uri, check_output_uri):
        try:
            assert check(uri) == uri
        except ValueError as refusal:
            assert "MARKER" not in str(refusal)


@pytest.mark.parametrize(
    "hostile",
    [
        "{" * 2_048,
        "{a" * 1_024,
        "/subscriptions/" + "/providers/Microsoft.MachineLearningServices/a" * 44 + " ",
        "azureml:" + "a" * 2_000 + ":",
    ],
)
def test_hostile_uris_are_refused_at_once(hostile: str) -> None:
    before = time.process_time()
    with pytest.raises(ValueError, match=r"must be|holds braces"):
        check_output_uri(hostile)
    assert time.process_time() - before < 1.0
