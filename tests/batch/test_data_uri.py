import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.data_uri import (
    DATA_URI_PATTERN,
    OUTPUT_FILE_PATTERN,
    OUTPUT_URI_PATTERN,
    Asset,
    asset_of,
    check_data_uri,
    check_output_file,
    check_output_uri,
    datastore_path_of,
)
from tests.batch.builders import WORKSPACE_ID

PLACES = [
    "azureml://datastores/workspaceblobstore/paths/batch/predictions.csv",
    "azureml://datastores/lake/paths/in/a%20b/ü.csv",
    f"azureml:/{WORKSPACE_ID}/datastores/lake/paths/in",
    "azureml://subscriptions/s/resourcegroups/rg/workspaces/ws/datastores/lake/paths/in",
    f"{WORKSPACE_ID}/datastores/lake/paths/in",
    "/subscriptions/s/resourcegroups/g/providers/microsoft.machinelearningservices/workspaces/w/datastores/a/paths/b",
]
"""In datastores, so a job can also write to them."""

FOLDERS = [f"{WORKSPACE_ID}/datastores/lake/paths/in/", "azureml://datastores/lake/paths/in/"]

OTHER_INPUTS = [
    "azureml://datastores/lake/paths/",
    "azureml://locations/westeurope/workspaces/ws/data/heart/versions/labels/latest",
    "azureml://subscriptions/s/resourceGroups/rg/workspaces/ws/data/heart/versions/1",
    "azureml://registries/shared/data/heart/versions/1",
    "azureml://registries/shared/data/heart/labels/latest",
    "azureml://jobs/batchjob-1/outputs/score/paths/",
    "azureml://jobs/batchjob-1/outputs/score/paths/a/b.csv",
    "azureml:heart-unlabeled:1",
    "azureml:heart@latest",
    "azureml:heart@stable",
    f"{WORKSPACE_ID}/data/heart/versions/1",
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/registries/r/data/heart/versions/1",
    "https://pipelinedata.blob.core.windows.net/sampledata/mnist",
    "https://pipelinedata.blob.core.windows.net:443/sampledata/",
    "abfss://container@account.dfs.core.windows.net/in",
    "wasbs://container@account.blob.core.windows.net/in",
]

ACCEPTED = [*PLACES, *FOLDERS, *OTHER_INPUTS]

WITHOUT_PATHS = [
    "azureml://datastores/samples/data/",
    "azureml://datastores/samples",
    "azureml://datastores/samples/",
    "azureml://datastores/samples/Paths/data/",
    f"{WORKSPACE_ID}/datastores/samples/data/",
    f"azureml:{WORKSPACE_ID}/datastores/samples/data/",
    "azureml://subscriptions/s/resourcegroups/rg/workspaces/ws/datastores/samples/data/",
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
    "azureml://registries/shared/data/heart",
    "azureml://jobs/batchjob-1",
    "azureml:heart",
    "azureml:heart:",
    "azureml:heart@",
    "azureml:heart:..",
    "azureml://data/heart",
    "azureml://data/heart/versions/..",
    "azureml:heart:1:2",
    "azureml:heart:1@latest",
    "azureml::1",
    "azureml:../x:1",
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a",
    "https://account.blob.core.windows.net/c/\ud800",
    "javascript:alert(1)",
    "data:text/csv,a",
]

SIGNED = [uri + query for uri in ACCEPTED for query in ("?sv=2024&sig=SECRET", "?", "#SECRET", "/?a=1#b")]


@pytest.mark.parametrize("uri", ACCEPTED)
def test_data_is_named_by_datastore_asset_resource_job_or_storage_url(uri: str) -> None:
    assert check_data_uri(uri) == uri


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (f"azureml:{WORKSPACE_ID}/data/heart/versions/1", f"{WORKSPACE_ID}/data/heart/versions/1"),
        (f"azureml:{WORKSPACE_ID}/datastores/lake/paths/in", f"{WORKSPACE_ID}/datastores/lake/paths/in"),
        ("azureml:/heart@latest", "azureml:heart@latest"),
        ("azureml:/heart:1", "azureml:heart:1"),
        ("azureml://data/heart/versions/1", "azureml:heart:1"),
        ("azureml://data/heart/labels/latest", "azureml:heart@latest"),
    ],
)
def test_spellings_of_clients_are_sent_as_azure_ml_takes_them(given: str, sent: str) -> None:
    assert check_data_uri(given) == sent
    assert check_data_uri(sent) == sent


@pytest.mark.parametrize("uri", PLACES)
def test_a_job_writes_to_a_place_in_a_datastore(uri: str) -> None:
    assert check_output_file(uri) == check_output_uri(uri) == uri
    with_id = f"{uri}/{{run_id}}"
    assert check_output_file(with_id) == check_output_uri(with_id) == with_id


@pytest.mark.parametrize("uri", FOLDERS)
def test_a_file_is_not_named_by_a_slash_at_the_end(uri: str) -> None:
    assert check_output_uri(uri) == uri
    with pytest.raises(ValueError, match="must name a file"):
        check_output_file(uri)


@pytest.mark.parametrize("uri", [*OTHER_INPUTS, *REFUSED])
def test_a_job_writes_to_no_other_place(uri: str) -> None:
    for check in (check_output_uri, check_output_file):
        with pytest.raises(ValueError, match="must be azureml://datastores/<name>/paths/<path>"):
            check(uri)


@pytest.mark.parametrize("uri", WITHOUT_PATHS)
@pytest.mark.parametrize("check", [check_data_uri, check_output_uri, check_output_file])
def test_a_datastore_without_paths_is_answered_with_the_right_form(
    check: Callable[[str], str], uri: str
) -> None:
    with pytest.raises(
        ValueError, match=r"misses /paths/ .* must be azureml://datastores/<name>/paths/<path>"
    ):
        check(uri)


@pytest.mark.parametrize(
    ("uri", "what", "advice"),
    [
        ("https://account.blob.core.windows.net/c/in put", "a space", "Write it as %20"),
        ("https://account.blob.core.windows.net/c/in\u00a0put", "the character U+00A0", "Write it as %C2%A0"),
        ("https://account.blob.core.windows.net/c\\in", "'\\'", "Write it as %5C"),
        ("https://account.blob.core.windows.net/c/in\n", "the character U+000A", "Remove it"),
        ("https://account.blob.core.windows.net/c/\x00", "the character U+0000", "Remove it"),
        (
            "azureml://datastores/samples/paths/monday data/",
            "a space",
            "Give the https URL of the data, where it is %20, or rename the data",
        ),
        (
            "abfss://container@account.dfs.core.windows.net/monday data/",
            "a space",
            "Give the https URL of the data, where it is %20, or rename the data",
        ),
    ],
)
def test_a_character_that_a_uri_cannot_hold_is_named(uri: str, what: str, advice: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"holds {what}, which a URI cannot hold. {advice}")):
        check_data_uri(uri)


@pytest.mark.parametrize("check", [check_output_uri, check_output_file])
def test_a_character_that_an_output_cannot_hold_is_named(check: Callable[[str], str]) -> None:
    expected = "holds a space, which a URI cannot hold. Give the output another name"
    with pytest.raises(ValueError, match=expected):
        check("azureml://datastores/samples/paths/monday data/{run_id}.csv")


@pytest.mark.parametrize("uri", REFUSED)
def test_anything_else_names_no_data(uri: str) -> None:
    with pytest.raises(ValueError, match="must be azureml://datastores"):
        check_data_uri(uri)


@pytest.mark.parametrize(
    ("uri", "asset"),
    [
        ("azureml:heart:1", Asset("heart", "1", None)),
        ("azureml:heart@latest", Asset("heart", None, "latest")),
        ("azureml://data/heart/versions/1.2", Asset("heart", "1.2", None)),
        ("azureml://data/heart/labels/latest", Asset("heart", None, "latest")),
        ("azureml://registries/shared/data/heart/versions/1", None),
        (f"{WORKSPACE_ID}/data/heart/versions/1", None),
        ("azureml://datastores/lake/paths/in", None),
    ],
)
def test_assets_of_the_workspace_are_named_in_short(uri: str, asset: Asset | None) -> None:
    assert asset_of(check_data_uri(uri)) == asset


@pytest.mark.parametrize("uri", [*PLACES, *FOLDERS])
def test_a_place_in_a_datastore_is_read_from_each_form(uri: str) -> None:
    place = datastore_path_of(uri)
    assert place is not None
    assert uri.endswith(f"/datastores/{place.datastore}/paths/{place.path}")
    assert uri.removeprefix("azureml:/").startswith(place.workspace)
    assert bool(place.workspace) is ("workspaces" in uri)


@pytest.mark.parametrize("uri", [uri for uri in OTHER_INPUTS if "datastores" not in uri])
def test_nothing_else_is_a_place_in_a_datastore(uri: str) -> None:
    assert datastore_path_of(uri) is None


@pytest.mark.parametrize("uri", SIGNED)
@pytest.mark.parametrize("check", [check_data_uri, check_output_uri])
def test_a_signature_is_refused_and_not_repeated(check: Callable[[str], str], uri: str) -> None:
    with pytest.raises(ValueError, match="SAS signature") as refusal:
        check(uri)
    assert "SECRET" not in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["{", "}", "{}", "{RUN_ID}", "{run_id }", "{{run_id}}", "{run_id", "{x}{run_id}"]
)
def test_an_output_holds_no_other_braces_than_the_placeholder(name: str) -> None:
    uri = f"azureml://datastores/lake/paths/{name}"
    with pytest.raises(ValueError, match=r"\{run_id\}"):
        check_output_uri(uri)
    assert check_output_uri(uri.replace(name, "{run_id}/x-{run_id}.csv"))


_parts = st.text(st.sampled_from("aZ0$-._@:/[]%{}?# \n\\ü"), max_size=6)
_words = st.sampled_from(
    [
        *("azureml:", "azureml://", "https://", "abfss://", "datastores/", "paths/", "a/paths/", "{run_id}"),
        *("registries/", "jobs/", "outputs/", "data/", "versions/", "labels/", WORKSPACE_ID, "/", "c@h"),
    ]
)
_spelled = st.lists(_parts | _words, max_size=7).map("".join)
_broken = st.builds(
    lambda uri, at, part: uri[:at] + part + uri[at:],
    st.sampled_from([*ACCEPTED, *WITHOUT_PATHS]),
    st.integers(0, 60),
    _parts,
)


@pytest.mark.parametrize(
    ("check", "pattern"),
    [
        (check_data_uri, DATA_URI_PATTERN),
        (check_output_uri, OUTPUT_URI_PATTERN),
        (check_output_file, OUTPUT_FILE_PATTERN),
    ],
)
@given(_spelled | _broken | st.sampled_from([*ACCEPTED, *WITHOUT_PATHS, *REFUSED]))
def test_what_is_accepted_is_what_the_published_pattern_says(
    check: Callable[[str], str], pattern: str, uri: str
) -> None:
    """Callers that check with the pattern of the OpenAPI document get the same answer as from the app."""
    if "sig=" in uri or "\ud800" in uri:
        return
    try:
        check(uri)
        is_accepted = True
    except ValueError:
        is_accepted = False
    # In Python, $ also matches before a line break at the end.
    assert is_accepted is bool(re.fullmatch(pattern.removesuffix("$"), uri))


@given(st.text(max_size=40), st.sampled_from(["", *ACCEPTED]))
def test_a_refusal_never_repeats_the_uri(text: str, prefix: str) -> None:
    uri = f"{prefix}MARKER{text}"
    for check in (check_data_uri, check_output_uri):
        try:
            assert check(uri)
        except ValueError as refusal:
            assert "MARKER" not in str(refusal)


@pytest.mark.parametrize(
    "hostile",
    [
        "{" * 2_048,
        "{a" * 1_024,
        "/subscriptions/" + "/providers/Microsoft.MachineLearningServices/a" * 44 + " ",
        "azureml:" + "a" * 2_000 + ":",
        "azureml://datastores/" * 100,
        f"{WORKSPACE_ID}/datastores/a/" + "datastores/a/" * 150,
    ],
)
def test_hostile_uris_are_refused_at_once(hostile: str) -> None:
    before = time.process_time()
    with pytest.raises(ValueError, match=r"must be|holds braces|misses"):
        check_output_uri(hostile)
    with pytest.raises(ValueError, match=r"must be|misses"):
        check_data_uri(hostile)
    assert time.process_time() - before < 1.0
