"""The samples for Data Factory and Logic Apps have the form that the services ask for, and the limits they need."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from batch.api.request import BatchRunRequest
from batch.run.deadlines import CANCEL_GRACE
from batch.run.phases import PHASES
from batch.run.request import CANCEL_TIMEOUT
from tests.docs.pages import DOCS, ROOT, table

FOLDER = ROOT / "samples" / "data-factory"
PIPELINES = {path.stem.partition(".")[2]: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
WORKFLOW = json.loads((ROOT / "samples" / "logic-app" / "run-batch-endpoint.definition.json").read_text())
FIVE = ["endpoint_uri", "poll_interval", "endpoint_input_uri", "endpoint_input_type", "endpoint_output_uri"]
OF_THE_PRINCIPAL = ["tenant_id", "client_id", "client_secret"]
LONGEST_RUN = (
    timedelta(seconds=BatchRunRequest.model_fields["timeout"].default + CANCEL_TIMEOUT) + CANCEL_GRACE
)


def activities(pipeline: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = list(pipeline["properties"]["activities"])
    for activity in waiting:
        yield activity
        properties = activity["typeProperties"]
        for inner in ("activities", "ifTrueActivities", "ifFalseActivities"):
            waiting.extend(properties.get(inner, []))


def web_activities(pipeline: dict[str, Any]) -> list[dict[str, Any]]:
    return [activity for activity in activities(pipeline) if activity["type"] == "WebActivity"]


def time_of(text: str) -> timedelta:
    days, hours, minutes, seconds = (int(part) for part in re.split(r"[.:]", text))
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


@pytest.mark.parametrize("variant", PIPELINES)
def test_callers_of_the_old_pipeline_change_nothing(variant: str) -> None:
    pipeline = PIPELINES[variant]
    parameters = pipeline["properties"]["parameters"]
    expected = [*OF_THE_PRINCIPAL, *FIVE] if variant == "service-principal" else FIVE
    assert list(parameters) == expected
    assert parameters["poll_interval"]["defaultValue"] == 120
    assert parameters["endpoint_input_type"]["defaultValue"] == "UriFolder"
    assert pipeline["name"] == "Run-BatchEndpoint" + ("-Until" if variant == "until" else "")
    if variant == "service-principal":
        assert parameters["client_secret"]["type"] == "SecureString"


@pytest.mark.parametrize("variant", PIPELINES)
def test_the_secret_parameters_are_used_nowhere(variant: str) -> None:
    text = json.dumps(PIPELINES[variant]["properties"]["activities"])
    assert not [name for name in OF_THE_PRINCIPAL if name in text]


@pytest.mark.parametrize("variant", ["managed-identity", "service-principal"])
def test_one_web_activity_is_enough(variant: str) -> None:
    [web] = web_activities(PIPELINES[variant])
    assert web["typeProperties"]["turnOffAsync"] is False
    assert web["typeProperties"]["method"] == "POST"
    assert web["policy"]["retry"] == 0


@pytest.mark.parametrize("variant", PIPELINES)
def test_no_web_activity_shows_what_it_sends_or_gets(variant: str) -> None:
    for web in web_activities(PIPELINES[variant]):
        assert web["policy"]["secureInput"] and web["policy"]["secureOutput"]


@pytest.mark.parametrize("variant", PIPELINES)
def test_who_waits_waits_longer_than_a_run_can_take(variant: str) -> None:
    limits = [
        activity.get("policy", activity["typeProperties"])["timeout"]
        for activity in activities(PIPELINES[variant])
        if activity["type"] == "Until"
        or (activity["type"] == "WebActivity" and not activity["typeProperties"]["turnOffAsync"])
    ]
    assert max(time_of(limit) for limit in limits) > LONGEST_RUN


@pytest.mark.parametrize("variant", PIPELINES)
def test_each_activity_has_a_name_of_its_own(variant: str) -> None:
    names = [activity["name"] for activity in activities(PIPELINES[variant])]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_][^.+?/<>*%&:\\]{0,54}", name) for name in names)


def test_the_loop_ends_with_every_phase_that_is_an_end() -> None:
    [until] = [activity for activity in activities(PIPELINES["until"]) if activity["type"] == "Until"]
    [listed] = re.findall(r"createArray\((.*?)\)", until["typeProperties"]["expression"]["value"])
    assert set(re.findall(r"'(\w+)'", listed)) == {phase for phase, facts in PHASES.items() if facts.ended}


def test_the_workflow_waits_longer_than_a_run_can_take_and_shows_no_secret() -> None:
    action = WORKFLOW["actions"]["Run_batch_endpoint"]
    days, hours = re.fullmatch(r"P(\d+)DT(\d+)H", action["limit"]["timeout"]).groups()  # type: ignore[union-attr]
    assert timedelta(days=int(days), hours=int(hours)) > LONGEST_RUN
    assert action["runtimeConfiguration"]["secureData"]["properties"] == ["inputs", "outputs"]
    assert WORKFLOW["parameters"]["function_key"] == {"type": "SecureString"}
    assert set(FIVE) <= WORKFLOW["triggers"]["manual"]["inputs"]["schema"]["properties"].keys()


def test_the_page_names_each_pipeline() -> None:
    rows = table((DOCS / "from-data-factory.md").read_text(), "file", "for")
    assert {path.name for path in FOLDER.glob("*.json")} == {row[0].split("`")[1] for row in rows}
