"""Rules from app settings: a wrong rule keeps the app from starting, and the message says where it is wrong."""

import json
from typing import Any

import pytest

from batch.errors import SettingsError
from batch.new_data.rules import NewDataRule, Start
from batch.new_data.settings import RULES, NewData
from batch.settings import Settings
from tests.batch.builders import WORKSPACE_ID, settings
from tests.batch.new_data.events import TOPIC, rule

SECRET = "S3cr3tMarker"
OUTPUT = "azureml://datastores/lake/paths/out/{run_id}"


def _read(app: Settings | None = None, /, **environment: str) -> tuple[NewDataRule, ...]:
    return NewData.from_environment({"NEW_DATA_TOPIC": TOPIC, **environment}, app or settings()).rules


def _refusal(app: Settings | None = None, /, **environment: str) -> str:
    with pytest.raises(SettingsError) as error:
        _read(app, **environment)
    return str(error.value)


def _rules(*rules: Any) -> dict[str, str]:
    return {RULES: json.dumps(rules)}


def test_without_settings_there_is_no_rule() -> None:
    assert NewData.from_environment({}, settings()) == NewData("", ())
    blank = dict.fromkeys([RULES, "NEW_DATA_TOPIC", "NEW_DATA_CONTAINER", "NEW_DATA_QUIET_SECONDS"], " \n")
    assert NewData.from_environment(blank, settings()) == NewData("", ())


def test_rules_as_json_keep_their_order() -> None:
    first = {"container": "data", "prefix": "in/", "quiet_seconds": 5}
    second = {"container": "data", "start": "file", "deployment": "blue", "output_uri": OUTPUT + "/{file}"}
    assert _read(**_rules(first, second)) == (rule(**first), rule(**second))
    assert _read(**_rules()) == ()


def test_one_rule_in_plain_settings() -> None:
    [one] = _read(
        NEW_DATA_CONTAINER=" data ",
        NEW_DATA_PREFIX="in/",
        NEW_DATA_SUFFIX=".csv",
        NEW_DATA_START="folder",
        NEW_DATA_QUIET_SECONDS="5",
        NEW_DATA_LONGEST_WAIT_SECONDS=" 50 ",
        NEW_DATA_MARKER="done",
        NEW_DATA_INPUT_URI="https://a.example/{path}",
        NEW_DATA_OUTPUT_URI=OUTPUT,
    )
    assert one == rule(
        prefix="in/",
        suffix=".csv",
        start=Start.FOLDER,
        quiet_seconds=5,
        longest_wait_seconds=50,
        marker="done",
        input_uri="https://a.example/{path}",
        output_uri=OUTPUT,
    )
    assert _read(NEW_DATA_CONTAINER="data") == (rule(),)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({}, "container"),
        ({"container": "Data"}, "container"),
        ({"container": "data", "colour": "red"}, "colour"),
        ({"container": "data", "start": "folders"}, "start"),
        ({"container": "data", "quiet_seconds": "5"}, "quiet_seconds"),
        ({"container": "data", "longest_wait_seconds": 0}, "longest_wait_seconds"),
        ({"container": "data", "quiet_seconds": 9, "longest_wait_seconds": 8}, "longest_wait_seconds"),
        ({"container": "data", "marker": "a/b"}, "marker"),
        ({"container": "data", "input_uri": "https://a.example/{nope}"}, "input_uri"),
        ({"container": "data", "input_uri": "ftp://a.example/{path}"}, "input_uri"),
        ({"container": "data", "input_uri": "{path}"}, "input_uri"),
        ({"container": "data", "input_uri": ""}, "input_uri"),
        ({"container": "data", "prefix": "raw data/", "input_uri": OUTPUT + "/{path}"}, "input_uri"),
        (
            {"container": "data", "prefix": "raw data/", "output_uri": OUTPUT + "/{folder}{run_id}"},
            "output_uri",
        ),
        ({"container": "data", "input_uri": f"https://a.example/?sig={SECRET}"}, "input_uri"),
        ({"container": "data", "input_uri": f"https://u:{SECRET}@a.example/{{path}}"}, "input_uri"),
        ({"container": "data", "output_uri": "azureml://datastores/lake/paths/p.csv"}, "output_uri"),
        ({"container": "data", "output_uri": "{run_id}"}, "output_uri"),
        ({"container": "data", "output_uri": OUTPUT + "/{run_id.__class__}"}, "output_uri"),
        ({"container": "data", "output_uri": OUTPUT + "/{{path}}"}, "output_uri"),
        ({"container": "data", "output_uri": OUTPUT + "{run_id}" * 110}, "output_uri"),
        ({"container": "data", "endpoint_uri": "https://evil.example/jobs"}, "endpoint_uri"),
        ({"container": "data", "endpoint_uri": "http://a.example"}, "endpoint_uri"),
        ({"container": "data", "deployment": "a b"}, "deployment"),
        ({"container": "data", "poll_interval": 0}, "poll_interval"),
        ({"container": "data", "queue_timeout": -1}, "queue_timeout"),
        ({"container": "data", "timeout": 10**9}, "timeout"),
        ({"container": "data", "on_timeout": "explode"}, "on_timeout"),
        ({"container": "data", "overrides": {"mini_batch_size": 0}}, "overrides.mini_batch_size"),
        ({"container": "data", "overrides": {"nodes": 2}}, "overrides.nodes"),
        ({"container": "data", "overrides": []}, "overrides"),
        ({"container": "data", "tags": {"batch_run_id": "x"}}, "tags.batch_run_id"),
        ({"container": "data", "tags": {"team": f"https://a/b?sig={SECRET}"}}, "tags.team"),
        ("data", "as a whole"),
        (5, "as a whole"),
        (None, "as a whole"),
        ([], "as a whole"),
    ],
)
def test_a_wrong_rule_is_named_by_index_and_field(wrong: object, field: str) -> None:
    good = {"container": "data"}
    for index, rules in enumerate([(wrong, good), (good, wrong)]):
        message = _refusal(**_rules(*rules))
        assert message.startswith(f"App setting {RULES}, rule {index}, ")
        assert field in message
        assert message.endswith(".")
        assert SECRET not in message


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"container": "data", "sufix": ".csv"}, "rule 0, sufix: is no field of such a rule."),
        ({}, "rule 0, container: is missing."),
        (5, "rule 0, as a whole: must be a JSON object."),
    ],
)
def test_a_wrong_rule_is_told_in_plain_words(wrong: object, said: str) -> None:
    assert _refusal(**_rules(wrong)).endswith(said)


def test_the_message_names_the_first_wrong_rule() -> None:
    assert "rule 1, container" in _refusal(**_rules({"container": "data"}, {}, {"container": 5}))


@pytest.mark.parametrize(
    "text",
    [
        *["{", "[", "[{]", "nonsense", "[{'container': 'data'}]", '[{"container": "\\ud800"}]', "[] []"],
        *["{}", '{"container": "data"}', '"data"', "5", "null", "true"],
    ],
)
def test_rules_that_are_not_a_json_list_are_refused(text: str) -> None:
    assert _refusal(NEW_DATA_RULES=text).startswith(f"App setting {RULES} ")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("NEW_DATA_CONTAINER", ["Data", "a/b", SECRET]),
        ("NEW_DATA_PREFIX", ["x" * 1_025]),
        ("NEW_DATA_START", ["Folder", "always", SECRET]),
        ("NEW_DATA_QUIET_SECONDS", ["0", "-1", "1.5", "1m", "86401", "²", SECRET, "9" * 4_000]),
        ("NEW_DATA_LONGEST_WAIT_SECONDS", ["0", "432001", "1 h"]),
        ("NEW_DATA_MARKER", ["a/b"]),
        ("NEW_DATA_INPUT_URI", ["{path}", "https://a.example/{0}", f"https://a.example/?sig={SECRET}"]),
        ("NEW_DATA_OUTPUT_URI", ["azureml://datastores/lake/paths/p.csv", OUTPUT + "/{nope}", "{run_id}"]),
    ],
)
def test_a_wrong_plain_setting_is_named_and_its_value_is_not(name: str, values: list[str]) -> None:
    for value in values:
        message = _refusal(**{"NEW_DATA_CONTAINER": "data", name: value})
        assert name in message
        assert SECRET not in message


@pytest.mark.parametrize("name", ["NEW_DATA_QUIET_SECONDS", "NEW_DATA_LONGEST_WAIT_SECONDS"])
def test_a_number_that_is_too_long_is_a_wrong_setting(name: str) -> None:
    assert name in _refusal(NEW_DATA_CONTAINER="data", **{name: "9" * 5_000})


@pytest.mark.parametrize("name", ["NEW_DATA_PREFIX", "NEW_DATA_QUIET_SECONDS", "NEW_DATA_START"])
def test_plain_settings_without_a_container_ask_for_it(name: str) -> None:
    assert "NEW_DATA_CONTAINER" in _refusal(**{name: "5"})


def test_a_schedule_as_plain_settings_is_sent_to_the_rules_as_json() -> None:
    assert "NEW_DATA_START: a rule for starts by the clock goes into NEW_DATA_RULES" in _refusal(
        NEW_DATA_START="schedule"
    )


def test_plain_settings_that_contradict_each_other_are_named() -> None:
    message = _refusal(
        NEW_DATA_CONTAINER="data", NEW_DATA_QUIET_SECONDS="9", NEW_DATA_LONGEST_WAIT_SECONDS="8"
    )
    assert "NEW_DATA_QUIET_SECONDS" in message
    assert "longest_wait_seconds is shorter than quiet_seconds" in message


@pytest.mark.parametrize("name", ["NEW_DATA_CONTAINER", "NEW_DATA_PREFIX", "NEW_DATA_QUIET_SECONDS"])
def test_the_two_kinds_of_rules_exclude_each_other(name: str) -> None:
    message = _refusal(**{name: "data"}, **_rules({"container": "data"}))
    assert RULES in message
    assert name in message


@pytest.mark.parametrize("kind", [{"NEW_DATA_CONTAINER": "data"}, _rules({"container": "data"})])
@pytest.mark.parametrize("topic", ["", " ", "lake", "https://lake.blob.core.windows.net", TOPIC[1:]])
def test_rules_need_a_topic(kind: dict[str, str], topic: str) -> None:
    assert "NEW_DATA_TOPIC" in _refusal(NEW_DATA_TOPIC=topic, **kind)


@pytest.mark.parametrize(
    "topic",
    ["/subscriptions/", TOPIC.partition("/providers")[0], WORKSPACE_ID, TOPIC + "/blobServices/default"],
)
def test_the_topic_is_a_storage_account(topic: str) -> None:
    assert "NEW_DATA_TOPIC" in _refusal(NEW_DATA_TOPIC=topic, NEW_DATA_CONTAINER="data")


def test_the_topic_is_kept_as_it_is() -> None:
    assert NewData.from_environment({"NEW_DATA_TOPIC": f" {TOPIC} "}, settings()).topic == TOPIC


def test_a_rule_needs_an_endpoint_that_is_allowed() -> None:
    other = "https://other.westeurope.inference.ml.azure.com"
    rules = _rules({"container": "data"}, {"container": "data", "endpoint_uri": f"{other}/jobs"})
    message = _refusal(**rules)
    assert message.startswith(f"App setting {RULES}, rule 1, endpoint_uri: ")
    assert "ALLOWED_ENDPOINT_ORIGINS" in message
    assert len(_read(settings(ALLOWED_ENDPOINT_ORIGINS=other), **rules)) == 2


def test_a_rule_without_any_endpoint_says_which_setting_gives_one() -> None:
    without = Settings.from_environment({})
    assert "BATCH_ENDPOINT_URI" in _refusal(without, NEW_DATA_CONTAINER="data")
    assert f"{RULES}, rule 0, endpoint_uri" in _refusal(without, **_rules({"container": "data"}))
