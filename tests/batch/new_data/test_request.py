"""The request of a run that new data starts, and which uploads count as the same."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.addresses import CLOUDS, Cloud
from batch.api.request_fields import RUN_ID_PATTERN
from batch.data_uri import DEFAULT_OUTPUT
from batch.errors import InvalidRequest
from batch.new_data.blob import Blob, upload_of
from batch.new_data.request import request_for, start_of, upload_for, upload_id, window_key
from batch.new_data.rules import NewDataRule
from batch.new_data.upload import FolderUpload
from batch.run.request import Overrides, RunRequest
from batch.run.steps import StartRun
from tests.batch.builders import ENDPOINT_URI, START, settings
from tests.batch.new_data.events import SCHEMAS, TOPIC, blob, created, event, rule

OUTPUT = "azureml://datastores/lake/paths/out/{run_id}"


def _request(under: NewDataRule, of: Blob, run_id: str = "r-1") -> RunRequest:
    return request_for(under, of, run_id, settings())


def _input(under: NewDataRule, of: Blob) -> str:
    [job_input] = _request(under, of).inputs.values()
    assert job_input.uri is not None
    return job_input.uri


def _output(under: NewDataRule, of: Blob) -> str:
    [job_output] = _request(under, of).outputs.values()
    return job_output.uri


def test_a_file_is_the_input_of_its_run() -> None:
    asked = _request(rule(start="file"), blob("in/a.csv"))
    assert asked.endpoint_uri == ENDPOINT_URI
    assert asked.inputs["input_data"].to_json() == {
        "type": "UriFile",
        "uri": "https://lake.blob.core.windows.net/data/in/a.csv",
    }
    assert asked.outputs["output_data"].uri == (
        "azureml://datastores/workspaceblobstore/paths/batch-runs/in/2026-01-31/r-1/predictions.csv"
    )


@pytest.mark.parametrize("start", ["folder", "marker"])
def test_a_folder_is_the_input_of_its_run(start: str) -> None:
    asked = _request(rule(start=start), blob("in/2026/_SUCCESS"))
    assert asked.inputs["input_data"].to_json() == {
        "type": "UriFolder",
        "uri": "https://lake.blob.core.windows.net/data/in/2026/",
    }


def test_the_rule_sets_the_rest_of_the_request() -> None:
    fields = {
        "deployment": "blue",
        "poll_interval": 5,
        "queue_timeout": 6,
        "timeout": 7,
        "on_timeout": "leave",
        "cancel_timeout": 8,
        "job_attempts": 2,
        "retry_on": ["service"],
    }
    asked = _request(rule(**fields), blob())
    assert asked.model_dump(mode="json", include=set(fields)) == fields
    asked = _request(rule(overrides={"mini_batch_size": 9}, tags={"team": "fraud"}), blob())
    assert asked.overrides == Overrides(mini_batch_size=9)
    assert asked.tags == {"team": "fraud"}
    other = "https://other.westeurope.inference.ml.azure.com"
    asked = request_for(
        rule(endpoint_uri=f"{other}/jobs"), blob(), "r-1", settings(ALLOWED_ENDPOINT_ORIGINS=other)
    )
    assert asked.endpoint_uri == f"{other}/jobs"


@pytest.mark.parametrize("start", ["folder", "marker"])
def test_the_root_of_a_container_is_a_folder_too(start: str) -> None:
    at_root = blob("_SUCCESS")
    assert _input(rule(start=start), at_root) == "https://lake.blob.core.windows.net/data/"
    templated = rule(start=start, input_uri="azureml://datastores/lake/paths/{folder}")
    assert _input(templated, at_root) == "azureml://datastores/lake/paths/"
    assert _output(rule(start=start, output_uri=OUTPUT + "/{folder}/p"), at_root).endswith("/out/r-1//p")


def test_a_file_at_the_root() -> None:
    assert _input(rule(start="file"), blob("a.csv")) == "https://lake.blob.core.windows.net/data/a.csv"


@pytest.mark.parametrize(
    ("name", "folder", "file"),
    [
        ("in/a.csv", "in", "a.csv"),
        ("sales/date=2026-01-31/part-0.csv", "sales/date=2026-01-31", "part-0.csv"),
        ("eventHour=2020-04-09T11%3A/a.csv", "eventHour=2020-04-09T11%253A", "a.csv"),
        ("in/2026/a b.csv", "in/2026", "a%20b.csv"),
        ("i#n/a#b?.csv", "i%23n", "a%23b%3F.csv"),
        ("100%/50%25.csv", "100%25", "50%2525.csv"),
        ("ü/\u4e2d.csv", "%C3%BC", "%E4%B8%AD.csv"),
        ("u@h:1/a;b=c&d+e.csv", "u@h:1", "a;b=c&d+e.csv"),
        ("a!b$c/(d),*'~.csv", "a!b$c", "(d),*'~.csv"),
        ("{account}/{run_id}.csv", "%7Baccount%7D", "%7Brun_id%7D.csv"),
        ("%7Brun_id%7D/a", "%257Brun_id%257D", "a"),
        ('a[0]/b|c^d`e"<f>.csv', "a%5B0%5D", "b%7Cc%5Ed%60e%22%3Cf%3E.csv"),
        ("~/-._", "~", "-._"),
    ],
)
def test_names_are_percent_encoded_in_a_url(name: str, folder: str, file: str) -> None:
    """By RFC 3986: what a path may hold stays, as in the URLs of Event Grid."""
    one = rule(start="file", input_uri="https://a.example/{container}/{folder}/{file}")
    assert _input(one, blob(name)) == f"https://a.example/data/{folder}/{file}"
    assert _input(rule(start="file"), blob(name)).endswith(f"/data/{folder}/{file}")
    assert _input(rule(), blob(name)).endswith(f"/data/{folder}/")


@pytest.mark.parametrize(
    "name",
    [
        "sales/date=2026-01-31/part-0.csv",
        "eventHour=2020-04-09T11%3A/a.csv",
        "100%/50%25.csv",
        "ü/\u4e2d.csv",
        "u@h:1/a;b=c&d+e.csv",
    ],
)
@pytest.mark.parametrize(
    "form", ["azureml://datastores/lake/paths", "abfss://data@lake.dfs.core.windows.net"]
)
def test_names_stay_as_they_are_in_every_other_uri(name: str, form: str) -> None:
    """These forms are not decoded: an encoded name is another name."""
    one = rule(start="file", input_uri=f"{form}/{{path}}", output_uri=OUTPUT + "/{folder}/{file}")
    assert _input(one, blob(name)) == f"{form}/{name}"
    assert _output(one, blob(name)).endswith(f"/out/r-1/{name}")


UNFIT = {
    "monday data/a.csv": "a space",
    "monday\u00a0data/a.csv": "U+00A0",
    "what?/a.csv": "'?'",
    "a#b/a.csv": "'#'",
}


def _refused(under: NewDataRule, name: str) -> tuple[str, str]:
    with pytest.raises(InvalidRequest) as error:
        _request(under, blob(name))
    [wrong] = error.value.errors
    return wrong.field, wrong.message


@pytest.mark.parametrize(("name", "spelled"), UNFIT.items())
@pytest.mark.parametrize(
    "form", ["azureml://datastores/lake/paths", "abfss://data@lake.dfs.core.windows.net"]
)
def test_a_name_that_an_input_cannot_hold_is_refused_with_what_to_do(
    form: str, name: str, spelled: str
) -> None:
    field, message = _refused(rule(input_uri=f"{form}/{{path}}"), name)
    assert field == "input_uri"
    assert spelled in message and "{path}" in message
    encoded = {"a space": "%20", "U+00A0": "%C2%A0", "'?'": "%3F", "'#'": "%23"}[spelled]
    assert f"https://, where it is {encoded}, or rename" in message


@pytest.mark.parametrize(
    ("name", "spelled"),
    [*UNFIT.items(), ("{run_id}/a.csv", "'{'"), ("a}/a.csv", "'}'"), ("{date}/a.csv", "'{'")],
)
def test_a_name_that_an_output_cannot_hold_is_refused_with_what_to_do(name: str, spelled: str) -> None:
    """A folder with the name of a placeholder would become the run id."""
    field, message = _refused(rule(output_uri=OUTPUT + "/{folder}/p.csv"), name)
    assert field == "output_uri"
    assert spelled in message and "{folder}" in message and "leave the name out of output_uri" in message


@pytest.mark.parametrize("name", [*UNFIT, "{run_id}/a.csv"])
def test_a_name_that_is_in_no_uri_but_an_https_one_is_accepted(name: str) -> None:
    one = rule(output_uri=OUTPUT)
    assert _input(one, blob(name)).startswith("https://lake.blob.core.windows.net/data/")
    assert _output(one, blob(name)) == OUTPUT.replace("{run_id}", "r-1")


@pytest.mark.parametrize(
    ("at", "date"),
    [
        (START, "2026-01-31"),
        (datetime(2025, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "2025-12-31"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01"),
    ],
)
def test_the_date_is_that_of_the_event(at: datetime, date: str) -> None:
    assert _output(rule(output_uri=OUTPUT + "/{date}/p.csv"), blob(at=at)).endswith(f"/r-1/{date}/p.csv")


def test_each_run_has_an_output_of_its_own() -> None:
    twice = rule(output_uri=OUTPUT + "/{run_id}.csv")
    assert _output(twice, blob()).endswith("/out/r-1/r-1.csv")
    [other] = _request(twice, blob(), "r-2").outputs.values()
    assert other.uri.endswith("/out/r-2/r-2.csv")


def test_the_request_keeps_the_output_with_the_run_id_to_be_filled_in() -> None:
    one = rule(start="file", output_uri=OUTPUT + "/{folder}/{date}.csv")
    [output] = _request(one, blob("in/a.csv")).outputs.values()
    assert output.template == OUTPUT + "/in/2026-01-31.csv"
    assert output.uri == output.template.replace("{run_id}", "r-1")


OWN = "azureml://datastores/workspaceblobstore/paths/batch-runs/"


@pytest.mark.parametrize("start", ["file", "folder", "marker"])
@pytest.mark.parametrize("default", ["none", DEFAULT_OUTPUT])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("monday/a.csv", "monday/2026-01-31/{run_id}/predictions.csv"),
        ("north/monday/a.csv", "north/monday/2026-01-31/{run_id}/predictions.csv"),
        ("a.csv", "2026-01-31/{run_id}/predictions.csv"),
        ("date=2026-01-30/ü/a.csv", "date=2026-01-30/ü/2026-01-31/{run_id}/predictions.csv"),
        ("monday data/a.csv", "monday_data/2026-01-31/{run_id}/predictions.csv"),
        ("{run_id}/what?#/a.csv", "_run_id_/what__/2026-01-31/{run_id}/predictions.csv"),
    ],
)
def test_an_output_that_nobody_names_is_found_by_folder_and_date(
    start: str, default: str, name: str, expected: str
) -> None:
    asked = request_for(rule(start=start), blob(name), "r-1", settings(DEFAULT_OUTPUT_URI=default))
    [output] = asked.outputs.values()
    assert output.template == OWN + expected
    assert output.uri == (OWN + expected).replace("{run_id}", "r-1")


@pytest.mark.parametrize("folder", ["f" * 1_020, "/".join(["f" * 9] * 102), "f" * 899 + "/g"])
def test_an_output_that_nobody_names_fits_into_the_name_of_a_blob(folder: str) -> None:
    path = _output(rule(), blob(f"{folder}/a")).partition("/paths/")[2]
    assert len(path) < 1_000
    assert "//" not in path


def test_a_rule_without_an_output_has_that_of_the_app() -> None:
    elsewhere = "azureml://datastores/lake/paths/scored/{run_id}.csv"
    [output] = request_for(rule(), blob(), "r-1", settings(DEFAULT_OUTPUT_URI=elsewhere)).outputs.values()
    assert output.template == elsewhere
    for default in (elsewhere, "none"):
        own = request_for(
            rule(output_uri=OUTPUT + "/{run_id}"), blob(), "r-1", settings(DEFAULT_OUTPUT_URI=default)
        )
        assert own.outputs["output_data"].template == OUTPUT + "/{run_id}"


def test_a_name_that_is_too_long_for_a_uri_is_refused() -> None:
    assert _input(rule(start="file"), blob("n" * 1_024)).endswith("n" * 1_024)
    with pytest.raises(InvalidRequest) as error:
        _request(rule(start="file"), blob("\u4e2d" * 1_024))
    assert [wrong.field for wrong in error.value.errors] == ["endpoint_input_uri"]
    assert len(str(error.value)) < 500


_parts = st.text(st.characters(codec="utf-8", exclude_characters="/\\", exclude_categories=["Cc", "Cs"]))
_names = st.lists(_parts.filter(lambda part: part not in ("", ".", "..")), min_size=1, max_size=4)


@given(_names.map("/".join), st.sampled_from(["file", "folder", "marker"]))
def test_no_name_makes_a_uri_outside_its_container(name: str, start: str) -> None:
    """A service that decodes the URI finds the blob, or its folder, and nothing else."""
    found = upload_of(event(subject=f"/blobServices/default/containers/data/blobs/{name}"), TOPIC)
    assert found is not None
    uri = urlsplit(_input(rule(start=start), found))
    assert (uri.scheme, uri.netloc, uri.query, uri.fragment) == (
        "https",
        "lake.blob.core.windows.net",
        "",
        "",
    )
    folder = f"{found.folder}/" if found.folder else ""
    assert unquote(uri.path) == "/data/" + (name if start == "file" else folder)
    assert uri.path.isascii()
    assert ".." not in uri.path.split("/")


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.arm_host)
def test_the_default_input_is_the_blob_in_the_cloud_of_the_app(cloud: Cloud) -> None:
    app = settings(AZURE_RESOURCE_MANAGER_URL=f"https://{cloud.arm_host}")
    request = request_for(rule(start="file"), blob(), "r-1", app)
    assert request.inputs["input_data"].uri == f"https://lake.{cloud.blob_suffix}/data/in/a.csv"


# Which uploads are the same


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_redelivery_is_the_same_upload(schema: str) -> None:
    deliveries = [
        event(schema, id="1", eventTime="2026-01-31T12:00:00Z"),
        event(schema, id="1", eventTime="2026-02-03T12:00:00.1234567Z"),
        event(schema, id="2", data=created(sequencer="0009", requestId="other", contentLength=7)),
        event(schema, topic=TOPIC.upper()),
    ]
    found = [upload_of(each, TOPIC) for each in deliveries]
    assert len({upload_id(rule(), each) for each in found if each}) == 1
    assert None not in found


def test_the_same_upload_in_either_schema() -> None:
    first, second = (upload_of(event(schema), TOPIC) for schema in SCHEMAS)
    assert first == second


def _replaced(**changes: Any) -> tuple[NewDataRule, Blob]:
    under = rule(**changes.pop("rule", {}))
    return under, blob(**changes)


@pytest.mark.parametrize(
    "other",
    [
        {"name": "in/b.csv"},
        {"name": "in/A.csv"},
        {"name": "a.csv"},
        {"version": "0x2"},
        {"container": "data2"},
        {"account": "lake2"},
        {"rule": {"prefix": "in/"}},
        {"rule": {"start": "file"}},
        {"rule": {"deployment": "blue"}},
    ],
)
def test_other_content_and_other_rules_are_other_uploads(other: dict[str, Any]) -> None:
    assert upload_id(*_replaced(**other)) != upload_id(rule(), blob())


_words = st.sampled_from(["a", "b", "a/b", "b/a", "a/b/a", "0x1", '"', '","', "ü"])
_blobs = st.builds(blob, _words, account=_words, container=_words, version=_words)


@given(_blobs, _blobs)
def test_ids_distinguish_uploads_and_folders(one: Blob, other: Blob) -> None:
    under = rule()
    assert (upload_id(under, one) == upload_id(under, other)) is (one == other)
    one_folder = (one.account, one.container, one.folder)
    same_folder = one_folder == (other.account, other.container, other.folder)
    assert (window_key(under, one) == window_key(under, other)) is same_folder


@given(_blobs, st.sampled_from(["file", "folder", "marker"]))
def test_the_id_of_an_upload_is_a_valid_run_id(one: Blob, start: str) -> None:
    run_id = upload_id(rule(start=start), one)
    assert run_id.startswith(f"{start}-")
    assert re.fullmatch(RUN_ID_PATTERN, f"window-{run_id}")


def test_windows_of_two_rules_do_not_mix() -> None:
    assert window_key(rule(), blob()) != window_key(rule(deployment="blue"), blob())


# One upload under a folder rule, on its way through the task hub


def _upload(under: NewDataRule, one: Blob) -> FolderUpload:
    run_id = upload_id(under, one)
    return upload_for(under, one, run_id, settings())


@given(
    st.sampled_from(["a", "a/b", "a/b/c.csv", "ü/x"]),
    st.fixed_dictionaries({}, optional={"quiet_seconds": st.integers(1, 9), "timeout": st.just(5)}),
)
def test_an_upload_passes_the_task_hub_unchanged(name: str, fields: dict[str, Any]) -> None:
    under, one = rule(**fields), blob(name)
    sent = _upload(under, one)
    got = FolderUpload.from_json(json.loads(json.dumps(sent.to_json())))
    assert got == sent
    assert got.window_key == window_key(under, one)
    assert got.run_id == upload_id(under, one)
    assert got.source == one.source()
    assert (got.quiet.total_seconds(), got.longest_wait.total_seconds()) == (
        fields.get("quiet_seconds", 60),
        3_600,
    )


@given(st.text(max_size=20) | st.none(), st.text(min_size=1, max_size=20))
def test_an_upload_passes_the_task_hub_whatever_identifies_its_content(
    tag: str | None, event_id: str
) -> None:
    found = upload_of(event(id=event_id, data=created(eTag=tag)), TOPIC)
    assert found is not None
    sent = _upload(rule(), found)
    assert FolderUpload.from_json(json.loads(json.dumps(sent.to_json()))) == sent


def test_the_request_of_an_upload_is_made_when_the_blob_comes() -> None:
    """``start_run`` gets the request as it was then: no later rule or setting changes it."""
    sent = _upload(rule(deployment="blue", timeout=5), blob())
    gathered = sent.source.merged_with(blob("in/b.csv").source())
    start = StartRun.from_json(json.loads(json.dumps(sent.start(gathered))))
    assert (start.run_id, start.request, start.source) == (sent.run_id, sent.request, gathered)


@pytest.mark.parametrize("missing", ["source", "quiet_seconds", "run_id", "window_key"])
def test_an_upload_that_lacks_something_is_refused(missing: str) -> None:
    written = _upload(rule(), blob()).to_json()
    del written[missing]
    with pytest.raises(ValueError, match=missing):
        FolderUpload.from_json(written)


# Windows that an earlier version of the app opened: their state holds the rule and the blob


def _earlier_input(**rule_fields: Any) -> dict[str, Any]:
    under = rule(**{"input_uri": "https://{account}.blob.core.windows.net/{container}/{path}", **rule_fields})
    one = {
        "account": "lake",
        "container": "data",
        "name": "in/a.csv",
        "version": "0x1",
        "created_at": "2026-01-31T12:00:00Z",
        "is_empty": False,
    }
    return {"rule": under.model_dump(mode="json"), "blob": one, "run_id": "folder-1", "window_key": "key-1"}


def test_the_ids_of_an_earlier_window_are_those_that_it_was_started_with() -> None:
    got = FolderUpload.from_json(_earlier_input(quiet_seconds=7, longest_wait_seconds=70))
    assert (got.run_id, got.window_key, got.source) == ("folder-1", "key-1", blob().source())
    assert (got.quiet_seconds, got.longest_wait_seconds) == (7, 70)
    assert (
        FolderUpload.from_json(json.loads(json.dumps(got.failed("It failed.").to_json()))).failure
        == "It failed."
    )


def test_an_earlier_window_starts_the_run_that_it_would_have_started() -> None:
    under = _earlier_input(deployment="blue", timeout=5)
    gathered = blob().source().merged_with(blob("in/b.csv").source())
    sent = json.loads(json.dumps(FolderUpload.from_json(under).start(gathered)))
    assert sent == {"upload": under, "source": gathered.to_json()}, "the version that began it reads it, too"

    start = start_of(sent, settings())
    assert (start.run_id, start.source) == ("folder-1", gathered)
    same = request_for(rule(deployment="blue", timeout=5), blob(), "folder-1", settings())
    assert start.request.fingerprint() == same.fingerprint()


def test_a_later_rule_for_rules_does_not_stop_an_earlier_window() -> None:
    under = _earlier_input()
    under["rule"] |= {"container": "NOT-ALLOWED-ANY-MORE", "unknown": 1}
    assert FolderUpload.from_json(under).quiet_seconds == 60


@pytest.mark.parametrize("missing", ["blob", "run_id", "window_key"])
def test_an_earlier_window_that_lacks_something_is_refused(missing: str) -> None:
    written = _earlier_input()
    del written[missing]
    with pytest.raises(ValueError, match=missing):
        FolderUpload.from_json(written)
