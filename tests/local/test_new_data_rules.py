"""Rules for new data that will be deployed: what becomes of them on one machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from batch.errors import SettingsError
from client.command_line import CommandFailed
from local.machine import DEPLOYMENTS, inherited_environment
from local.new_data_rules import LocalRules, given_settings, local_rules
from local.rules_in_words import in_words

ENDPOINT = "https://127.0.0.1:7083/jobs"
STATE = Path("/state")
TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/energydata"
WORKSPACE = "subscriptions/s/resourcegroups/g/workspaces/energy"


def local(*rules: dict[str, Any], **settings: str) -> LocalRules:
    return local_rules({"NEW_DATA_RULES": json.dumps(rules), **settings}, STATE, ENDPOINT, DEPLOYMENTS)


def rules_of(one: LocalRules) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(one.settings["NEW_DATA_RULES"])
    return found


# --- where they come from -----------------------------------------------------------------------------------


def test_without_rules_there_are_none() -> None:
    assert given_settings({"PATH": "x", "NEW_DATA_TOPIC": TOPIC, "NEW_DATA_START": " "}, None) == {}


def test_one_rule_as_plain_settings_needs_no_container() -> None:
    given = given_settings({"NEW_DATA_START": "file", "NEW_DATA_SUFFIX": ".txt"}, None)
    found = local_rules(given, STATE, ENDPOINT, DEPLOYMENTS)
    assert found.settings == {
        "NEW_DATA_CONTAINER": "incoming",
        "NEW_DATA_START": "file",
        "NEW_DATA_SUFFIX": ".txt",
    }
    assert [(rule.container, rule.start) for rule in found.deployed.rules] == [("incoming", "file")]


def test_a_container_of_its_own_counts() -> None:
    given = given_settings({"NEW_DATA_CONTAINER": "readings"}, None)
    found = local_rules(given, STATE, ENDPOINT, DEPLOYMENTS)
    assert [container.name for container in found.containers] == ["readings"]


def test_a_file_goes_with_a_topic_and_with_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text("[]\n")
    assert given_settings({"NEW_DATA_TOPIC": TOPIC}, file) == {
        "NEW_DATA_TOPIC": TOPIC,
        "NEW_DATA_RULES": "[]",
    }
    with pytest.raises(CommandFailed, match="there is also NEW_DATA_RULES, NEW_DATA_START"):
        given_settings({"NEW_DATA_START": "file", "NEW_DATA_RULES": "[]"}, file)


@pytest.mark.parametrize("name", ["NEW_DATA_SUFIX", "NEW_DATA_LATE"])
def test_a_setting_that_the_app_does_not_read_is_refused(name: str) -> None:
    with pytest.raises(CommandFailed, match=f"no setting {name}. As plain settings .*NEW_DATA_SUFFIX"):
        given_settings({name: "ignore", "NEW_DATA_START": "folder"}, None)


def test_values_of_a_deployment_are_no_rule() -> None:
    azd = {"NEW_DATA_STORAGE_ACCOUNT_ID": TOPIC, "NEW_DATA_TOPIC_ID": TOPIC}
    assert given_settings(azd, None) == {}


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_bytes(b"\xff")
    with pytest.raises(CommandFailed, match=f"{file} is not text in UTF-8"):
        given_settings({}, file)


def test_other_programs_do_not_inherit_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW_DATA_START", "file")
    assert "NEW_DATA_START" not in inherited_environment()


# --- what must be other here --------------------------------------------------------------------------------


def test_the_endpoint_is_the_local_one_and_so_is_a_deployment_that_it_does_not_have() -> None:
    uri = "https://energy.westeurope.inference.ml.azure.com/jobs"
    found = local(
        {"container": "readings", "endpoint_uri": uri, "deployment": "v2"},
        {"container": "readings", "start": "file", "deployment": DEPLOYMENTS[1]},
    )
    assert rules_of(found) == [
        {"container": "readings"},
        {"container": "readings", "start": "file", "deployment": DEPLOYMENTS[1]},
    ]
    assert found.deployed.rules[0].endpoint_uri == uri
    assert found.changes == (
        f"Rule 0: the local endpoint takes the place of {uri}.",
        "Rule 0: the local endpoint has no deployment v2; its default one scores.",
    )


def test_the_account_is_that_of_the_topic() -> None:
    found = local({"container": "readings"}, {"container": "sensors"}, NEW_DATA_TOPIC=TOPIC)
    assert [(one.account, one.name, one.topic) for one in found.containers] == [
        ("energydata", "readings", TOPIC),
        ("energydata", "sensors", TOPIC),
    ]
    assert "NEW_DATA_TOPIC" not in found.settings


@pytest.mark.parametrize(
    ("uri", "store", "folder"),
    [
        ("azureml://datastores/lake/paths/{path}", "lake", STATE / "readings"),
        ("azureml://datastores/Lake/paths/{folder}/", "lake", STATE / "readings"),
        ("azureml://datastores/lake/paths/{container}/{path}", "lake", STATE),
        ("azureml://datastores/{container}/paths/{path}", "readings", STATE / "readings"),
        ("azureml://datastores/lake/paths/raw/{path}", "lake", STATE / "data_stores" / "lake"),
        (f"azureml://{WORKSPACE}/datastores/lake/paths/{{path}}", "lake", STATE / "readings"),
    ],
)
def test_a_datastore_that_an_input_names_has_the_files_of_the_container(
    uri: str, store: str, folder: Path
) -> None:
    assert local({"container": "readings", "input_uri": uri}).datastores == {store: folder}


def test_a_datastore_of_another_workspace_is_one_of_the_local_workspace() -> None:
    uri = f"azureml://{WORKSPACE}/datastores/lake/paths/{{path}}"
    found = local({"container": "readings", "input_uri": uri})
    assert rules_of(found)[0]["input_uri"] == "azureml://datastores/lake/paths/{path}"
    assert found.changes == ("Rule 0: the datastore of input_uri is one of the local workspace.",)


def test_plain_settings_change_in_the_same_way() -> None:
    given = {
        "NEW_DATA_CONTAINER": "readings",
        "NEW_DATA_INPUT_URI": f"azureml://{WORKSPACE}/datastores/lake/paths/{{path}}",
    }
    found = local_rules(given, STATE, ENDPOINT, DEPLOYMENTS)
    assert found.settings["NEW_DATA_INPUT_URI"] == "azureml://datastores/lake/paths/{path}"


def test_a_datastore_for_outputs_alone_has_a_folder_of_its_own() -> None:
    found = local(
        {"container": "readings", "output_uri": "azureml://datastores/scores/paths/{run_id}.csv"},
        {"container": "readings", "output_uri": "azureml://datastores/workspaceblobstore/paths/{run_id}.csv"},
    )
    assert found.datastores == {"scores": STATE / "data_stores" / "scores"}


def test_a_datastore_of_two_containers_shows_the_first_and_says_so() -> None:
    uri = "azureml://datastores/lake/paths/{path}"
    found = local({"container": "one", "input_uri": uri}, {"container": "two", "input_uri": uri})
    assert found.datastores == {"lake": STATE / "one"}
    assert "The datastore lake shows /state/one." in found.changes[0]


def test_an_account_that_a_rule_spells_out_has_the_watched_container_too() -> None:
    found = local(
        {"container": "readings", "input_uri": "https://other.blob.core.windows.net/readings/{path}"},
        {"container": "readings", "input_uri": "abfss://landing@other.dfs.core.windows.net/{path}"},
        {"container": "readings", "input_uri": "abfss://{container}@{account}.dfs.core.windows.net/{path}"},
    )
    assert found.storage == {
        "https://other.blob.core.windows.net/readings": STATE / "readings",
        "abfss://landing@other.dfs.core.windows.net": STATE / "other_storage" / "other" / "landing",
    }


@pytest.mark.parametrize(
    ("fields", "is_warned"),
    [
        ({}, True),
        ({"suffix": ".csv"}, True),
        ({"start": "file", "suffix": ".csv"}, True),
        ({"prefix": "sco"}, True),
        ({"prefix": "sales/"}, False),
        ({"prefix": "sales/", "output_uri": "azureml://datastores/lake/paths/{folder}/{run_id}.csv"}, True),
        ({"suffix": ".parquet"}, False),
        ({"start": "marker"}, False),
        ({"output_uri": "azureml://datastores/lake/paths/_scores/{run_id}.csv"}, False),
        ({"output_uri": "azureml://datastores/results/paths/{run_id}.csv"}, False),
        ({"input_uri": "azureml://datastores/lake/paths/raw/{path}"}, False),
    ],
)
def test_a_rule_that_takes_its_own_results_is_warned_of(fields: dict[str, Any], is_warned: bool) -> None:
    uris = {
        "input_uri": "azureml://datastores/lake/paths/{path}",
        "output_uri": "azureml://datastores/Lake/paths/scores/{date}/{run_id}.csv",
    }
    found = local({"container": "readings", **uris, **fields})
    assert bool(found.warnings) is is_warned
    assert ("WARNING: Rule 0 takes its own results" in in_words(found, STATE, "http://app")) is is_warned


def test_no_rules_are_no_error() -> None:
    found = local()
    assert (found.deployed.rules, [one.name for one in found.containers]) == ((), ["incoming"])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"container": "readings", "start": "often"}, "NEW_DATA_RULES, rule 0, start"),
        ({"container": "readings", "output_uri": "x"}, "NEW_DATA_RULES, rule 0, as a whole: output_uri"),
        ({"container": "readings", "endpoint_uri": "http://x/jobs"}, "NEW_DATA_RULES, rule 0, endpoint_uri"),
        ({"container": "readings", "deployment": 2}, "NEW_DATA_RULES, rule 0, deployment"),
        ("a", "NEW_DATA_RULES, rule 0, as a whole"),
    ],
)
def test_what_the_app_refuses_is_refused_here(rule: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        local(rule)


def test_a_rule_that_starts_runs_by_the_clock_watches_nothing() -> None:
    found = local(
        {
            "start": "schedule",
            "name": "nightly",
            "cron": "30 2 * * *",
            "input_uri": "azureml://datastores/lake/paths/daily/{date}/",
            "endpoint_uri": "https://energy.westeurope.inference.ml.azure.com/jobs",
        }
    )
    assert [one.name for one in found.containers] == ["incoming"]
    assert found.datastores == {"lake": STATE / "data_stores" / "lake"}
    assert "endpoint_uri" not in rules_of(found)[0]
