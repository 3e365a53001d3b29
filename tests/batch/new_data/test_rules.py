from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from batch.new_data.blob import Blob
from batch.new_data.ignored import IgnoreReason, closest
from batch.new_data.rules import NewDataRule, Start
from batch.new_data.template import PLACEHOLDERS
from tests.batch.new_data.events import blob, rule

OUTPUT = "azureml://datastores/lake/paths/out/{run_id}"


def _refused_field(**fields: Any) -> str:
    """The field, or an empty text where the rule as a whole is refused."""
    with pytest.raises(ValidationError) as error:
        rule(**fields)
    [details] = error.value.errors()
    return ".".join(map(str, details["loc"]))


def _takes(under: NewDataRule, one: Blob) -> bool:
    return under.why_ignored(one) is None


def test_a_rule_needs_only_a_container() -> None:
    simplest = NewDataRule.model_validate({"container": "data"})
    assert (simplest.start, simplest.quiet_seconds, simplest.longest_wait_seconds) == (
        Start.FOLDER,
        60,
        3_600,
    )
    assert simplest.request_fields() == {}
    assert _refused_field(container=None) == "container"


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ({}, "a.csv", True),
        ({}, "in/a.csv", True),
        ({"prefix": "in/"}, "in/a.csv", True),
        ({"prefix": "in/"}, "in/deeper/a.csv", True),
        ({"prefix": "in/"}, "a.csv", False),
        ({"prefix": "in/"}, "other/in/a.csv", False),
        ({"prefix": "in/"}, "In/a.csv", False),
        ({"prefix": "in"}, "inner/a.csv", True),
        ({"suffix": ".csv"}, "in/a.csv", True),
        ({"suffix": ".csv"}, "in/a.CSV", False),
        ({"suffix": ".csv"}, "in/a.csv.tmp", False),
        ({"suffix": "a.csv"}, "in/a.csv", True),
        ({"prefix": "in/", "suffix": ".csv"}, "in/a.csv", True),
        ({"prefix": "in/", "suffix": ".csv"}, "out/a.csv", False),
        ({"prefix": "in/", "suffix": ".csv"}, "in/a.txt", False),
        # Prefix and suffix are not patterns.
        ({"suffix": ".*"}, "in/a.csv", False),
        ({"prefix": "*"}, "in/a.csv", False),
    ],
)
@pytest.mark.parametrize("start", ["file", "folder"])
def test_prefix_and_suffix_select_by_name(
    start: str, fields: dict[str, Any], name: str, expected: bool
) -> None:
    assert _takes(rule(start=start, **fields), blob(name)) is expected


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ({}, "in/_SUCCESS", True),
        ({}, "_SUCCESS", True),
        ({}, "in/a.csv", False),
        ({}, "in/x_SUCCESS", False),
        ({}, "in/_SUCCESS.crc", False),
        ({}, "in/_success", False),
        ({}, "_SUCCESS/a.csv", False),
        ({"marker": "done.txt"}, "in/done.txt", True),
        ({"marker": "done.txt"}, "in/_SUCCESS", False),
        ({"prefix": "in/"}, "in/_SUCCESS", True),
        ({"prefix": "in/"}, "out/_SUCCESS", False),
    ],
)
def test_a_marker_file_has_exactly_the_name_in_the_rule(
    fields: dict[str, Any], name: str, expected: bool
) -> None:
    assert _takes(rule(start="marker", **fields), blob(name)) is expected


HIDDEN = [
    "_a.csv",
    ".a.csv",
    "in/_a.csv",
    "in/.a.csv",
    "in/_temporary/0/_temporary/attempt_202601311200_0001_m_000000_1/part-00000-x.csv",
    "in/.hive-staging/a.csv",
    "_delta_log/00000.json",
]
NOT_HIDDEN = ["in/a_b.csv", "in/a.b/c_.csv", "a_/b./c.csv"]


@pytest.mark.parametrize("start", ["file", "folder"])
@pytest.mark.parametrize("name", [*HIDDEN, "in/_SUCCESS"])
def test_paths_that_are_hidden_by_convention_are_no_data(start: str, name: str) -> None:
    assert rule(start=start).why_ignored(blob(name)) == IgnoreReason.HIDDEN
    assert _takes(rule(start=start, include_hidden=True), blob(name))


@pytest.mark.parametrize("start", ["file", "folder"])
@pytest.mark.parametrize("name", NOT_HIDDEN)
def test_only_the_begin_of_a_part_hides_it(start: str, name: str) -> None:
    assert _takes(rule(start=start), blob(name))


@pytest.mark.parametrize("marker", ["_SUCCESS", ".done", "done"])
def test_a_marker_may_be_hidden_and_its_folders_may_not(marker: str) -> None:
    under = {"start": "marker", "marker": marker}
    assert _takes(rule(**under), blob(f"in/{marker}"))
    for name in (f"_temporary/{marker}", f"in/.staging/0/{marker}"):
        assert rule(**under).why_ignored(blob(name)) == IgnoreReason.HIDDEN
        assert _takes(rule(**under, include_hidden=True), blob(name))


@pytest.mark.parametrize(
    ("prefix", "name", "expected"),
    [
        ("_landing/", "_landing/a.csv", True),
        ("_landing", "_landing/a.csv", True),
        ("_l", "_landing/a.csv", True),
        ("in/.raw/", "in/.raw/deeper/a.csv", True),
        ("_landing/", "_landing/_temporary/a.csv", False),
        ("_landing/", "_landing/.a.csv", False),
        ("in/", "in/_a.csv", False),
        ("in", "in/_a.csv", False),
    ],
)
def test_what_the_prefix_spells_is_not_hidden(prefix: str, name: str, expected: bool) -> None:
    """Otherwise a rule for such a folder could take nothing."""
    assert _takes(rule(prefix=prefix), blob(name)) is expected


@pytest.mark.parametrize(
    ("fields", "name", "how", "reason"),
    [
        ({"container": "other"}, "in/a.csv", {}, IgnoreReason.CONTAINER),
        ({"prefix": "out/", "suffix": ".txt"}, "in/_a.csv", {}, IgnoreReason.PREFIX),
        ({"suffix": ".txt"}, "in/_a.csv", {}, IgnoreReason.HIDDEN),
        ({"suffix": ".txt"}, "in/a.csv", {"is_empty": True}, IgnoreReason.SUFFIX),
        ({"suffix": ".csv"}, "in/a.csv", {"is_empty": True}, IgnoreReason.EMPTY),
        ({}, "in/a.csv", {"is_empty": True, "is_created_only": True}, IgnoreReason.CREATED_ONLY),
        ({"start": "marker"}, "in/a.csv", {"is_empty": True}, IgnoreReason.MARKER),
        ({}, "in/a.csv", {"is_unfinished": True}, None),
        ({"start": "file"}, "in/a.csv", {"is_unfinished": True}, None),
        ({"start": "marker"}, "in/_SUCCESS", {"is_empty": True, "is_created_only": True}, None),
        ({"start": "marker"}, "in/_SUCCESS", {"is_unfinished": True}, None),
    ],
)
def test_a_rule_says_why_it_does_not_take_an_upload(
    fields: dict[str, Any], name: str, how: dict[str, bool], reason: IgnoreReason | None
) -> None:
    assert rule(**fields).why_ignored(replace(blob(name), **how)) == reason


def test_of_several_reasons_the_closest_is_named() -> None:
    """No rule says more than that an upload is empty, and nothing less than that it has another container."""
    ordered = ["container", "prefix", "hidden", "marker", "suffix", "empty", "created_only"]
    assert list(IgnoreReason)[: len(ordered)] == ordered
    for near, reason in enumerate(ordered):
        farther = map(IgnoreReason, ordered[: near + 1])
        assert closest(farther) == reason
    assert closest([]) == IgnoreReason.CONTAINER


@pytest.mark.parametrize("start", ["file", "folder"])
def test_other_kinds_of_rules_ignore_the_marker(start: str) -> None:
    assert _takes(rule(start=start, marker="done.txt"), blob("in/a.csv"))


@pytest.mark.parametrize("start", ["file", "folder", "marker"])
@pytest.mark.parametrize("container", ["data2", "dat", "xdata", "other", "$root"])
def test_containers_are_compared_exactly(start: str, container: str) -> None:
    assert rule(start=start).why_ignored(blob("in/_SUCCESS", container=container)) == IgnoreReason.CONTAINER


@pytest.mark.parametrize("container", ["$web", "$root", "a-b", "123", "x" * 63])
def test_containers_that_storage_allows_are_accepted(container: str) -> None:
    assert _takes(rule(container=container), blob(container=container))


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("container", ["", "a", "Data", "a/b", "a_b", "-ab", "x" * 64, "data\n", "data ", 5, None, ["data"]]),
        ("prefix", [5, None, [], "x" * 1_025]),
        ("suffix", [5, None, [], "x" * 1_025]),
        ("start", ["", "Folder", "folders", 5, None, []]),
        ("quiet_seconds", [0, -1, 86_401, 1.5, 60.0, "60", True, None]),
        ("longest_wait_seconds", [0, -1, 432_001, 3_600.0, "3600", True, None]),
        ("marker", ["", "a/b", "x" * 256, 5, None]),
        ("input_uri", [5, None, "x" * 1_025]),
        ("output_uri", [5, None, OUTPUT + "x" * 1_025]),
        ("endpoint_uri", [5, []]),
        ("poll_interval", ["60", 1.5, True]),
        ("timeout", ["60", 1.5]),
        ("colour", ["red"]),
        ("run_id", ["r-1"]),
        ("client_secret", ["S3cr3tMarker"]),
    ],
)
def test_a_wrong_field_is_named(field: str, values: list[object]) -> None:
    for value in values:
        assert _refused_field(**{field: value}) == field


@pytest.mark.parametrize(
    "placeholder",
    [
        *["{nope}", "{RUN_ID}", "{ run_id }", "{run_id }", "{}", "{0}", "{1}", "{-1}"],
        *["{run_id.__class__}", "{run_id.__class__.__mro__}", "{run_id[0]}", "{account[a]}", "{.x}", "{[0]}"],
        *["{run_id!r}", "{run_id!s}", "{run_id!a}", "{run_id!x}", "{date!r:>9}"],
        *["{run_id:>100}", "{date:%Y}", "{run_id:{account}}", "{run_id:{run_id.__class__}}"],
        *["{", "}", "{run_id", "run_id}", "{{}", "{}}", "{run_id!}", "{run_id!r", "{run_id:", "{a{b}}"],
    ],
)
@pytest.mark.parametrize("field", ["input_uri", "output_uri"])
def test_templates_may_hold_known_placeholders_only(field: str, placeholder: str) -> None:
    assert _refused_field(**{field: f"{OUTPUT}/{placeholder}"}) == field


@pytest.mark.parametrize("name", PLACEHOLDERS)
@pytest.mark.parametrize("field", ["input_uri", "output_uri"])
def test_templates_may_hold_each_known_placeholder(field: str, name: str) -> None:
    assert getattr(rule(start="file", **{field: f"{OUTPUT}/{{{name}}}"}), field).endswith(f"/{{{name}}}")


@pytest.mark.parametrize("placeholder", ["{{path}}", "{{run_id}}", "{{{path}}}", "{{", "}}"])
def test_doubled_braces_are_refused(placeholder: str) -> None:
    assert _refused_field(input_uri=f"https://lake.blob.core.windows.net/data/{placeholder}") == "input_uri"


@pytest.mark.parametrize(
    "fields",
    [
        {"quiet_seconds": 60, "longest_wait_seconds": 59},
        {"longest_wait_seconds": 59},
        {"start": "marker", "suffix": ".csv"},
        {"start": "folder", "input_uri": "https://a.example/{file}"},
        {"start": "folder", "output_uri": OUTPUT + "/{file}"},
        {"start": "marker", "output_uri": OUTPUT + "/{file}"},
        {"output_uri": "azureml://datastores/lake/paths/predictions.csv"},
        {"output_uri": "azureml://datastores/lake/paths/{date}/{folder}.csv"},
        {"start": "file", "output_uri": "azureml://datastores/lake/paths/{path}"},
        {"output_uri": ""},
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields: dict[str, Any]) -> None:
    assert _refused_field(**fields) == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"quiet_seconds": 1, "longest_wait_seconds": 1},
        {"quiet_seconds": 86_400, "longest_wait_seconds": 432_000},
        {"start": "file", "longest_wait_seconds": 1},
        {"start": "marker", "longest_wait_seconds": 1},
        {"start": "file", "output_uri": OUTPUT + "/{file}"},
    ],
)
def test_fields_that_fit_each_other_are_accepted(fields: dict[str, Any]) -> None:
    assert rule(**fields).start == fields.get("start", "folder")


def test_fields_of_the_request_are_passed_on_unchanged() -> None:
    given = {
        "endpoint_uri": "https://scores.example/jobs",
        "deployment": "blue",
        "poll_interval": 5,
        "queue_timeout": 6,
        "timeout": 7,
        "on_timeout": "leave",
        "cancel_timeout": 8,
        "overrides": {"mini_batch_size": 9},
        "tags": {"team": "fraud"},
        "job_attempts": 2,
        "retry_on": ["service"],
    }
    assert rule(**given).request_fields() == given
    for name, value in given.items():
        assert rule(**{name: value}).request_fields() == {name: value}


_fields = st.fixed_dictionaries(
    {},
    optional={
        "container": st.sampled_from(["data", "other"]),
        "prefix": st.sampled_from(["in/", "ü/"]),
        "suffix": st.just(".csv"),
        "start": st.sampled_from(["file", "folder"]),
        "quiet_seconds": st.integers(1, 3),
        "marker": st.just("done"),
        "output_uri": st.just(OUTPUT),
        "deployment": st.just("blue"),
        "timeout": st.integers(1, 2),
    },
)


@given(_fields, _fields)
def test_the_id_of_a_rule_depends_on_all_its_fields(one: dict[str, Any], other: dict[str, Any]) -> None:
    a, b = rule(**one), rule(**other)
    assert (a.id == b.id) is (a == b)
    assert NewDataRule.model_validate_json(a.model_dump_json()).id == a.id
    assert a.id.isalnum()


class _LaterRule(NewDataRule):
    """A rule as a later version of the app may have it."""

    urgent: bool = False


@given(_fields)
def test_a_field_that_a_later_version_adds_does_not_change_the_id_of_a_rule(fields: dict[str, Any]) -> None:
    given = {"container": "data", **fields}
    assert _LaterRule.model_validate(given).id == NewDataRule.model_validate(given).id
    assert _LaterRule.model_validate({**given, "urgent": True}).id != NewDataRule.model_validate(given).id


def test_defaults_that_are_written_out_do_not_change_the_id_of_a_rule() -> None:
    assert rule(start="folder", quiet_seconds=60, prefix="").id == rule().id


def test_ids_of_rules_never_change() -> None:
    """An event that is delivered again after an upgrade must find the run that it started before."""
    default_in_full = "https://{account}.blob.core.windows.net/{container}/{path}"
    assert rule(container="landing", start="file").id == "f4e8b2654b4a"
    assert rule(container="landing", start="file", input_uri=default_in_full).id == "f4e8b2654b4a"
