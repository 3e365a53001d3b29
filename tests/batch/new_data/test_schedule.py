"""Rules for starts by the clock: what the settings take, and which request a due time makes."""

import json
from datetime import datetime
from typing import Any

import pytest

from batch.data_uri import DEFAULT_OUTPUT
from batch.errors import SettingsError
from batch.new_data.schedule_request import scheduled_request, scheduled_run_id
from batch.new_data.settings import RULES, NewData
from batch.run.request import RunRequest
from tests.batch.builders import settings
from tests.batch.new_data.events import TOPIC, rule
from tests.batch.new_data.schedules import schedule, schedule_fields, utc

DATASTORE = "azureml://datastores/lake/paths"
SECRET = "S3cr3tMarker"


def read(*rules: Any, **environment: str) -> NewData:
    return NewData.from_environment({RULES: json.dumps(rules), **environment}, settings())


def refusal(*rules: Any) -> str:
    with pytest.raises(SettingsError) as error:
        read(*rules, NEW_DATA_TOPIC=TOPIC)
    return str(error.value)


def request(due: datetime, app: dict[str, str] | None = None, **fields: Any) -> RunRequest:
    return scheduled_request(schedule(**fields), due, settings(**app or {}))


def output_of(made: RunRequest) -> str:
    [binding] = made.outputs.values()
    return binding.uri


def test_schedules_need_no_topic() -> None:
    found = read(schedule_fields())
    assert found == NewData("", (), (schedule(),), (0,))
    with pytest.raises(SettingsError, match="NEW_DATA_TOPIC"):
        read(schedule_fields(), {"container": "data"})


def test_rules_of_both_kinds_stand_in_one_list() -> None:
    found = read(schedule_fields(), {"container": "data"}, schedule_fields(name="b"), NEW_DATA_TOPIC=TOPIC)
    assert found == NewData(TOPIC, (rule(),), (schedule(), schedule(name="b")), (0, 2))
    assert found.in_order() == [schedule(), rule(), schedule(name="b")]


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        ({"name": ...}, "name", "missing"),
        ({"name": "Nightly"}, "name", "pattern"),
        ({"name": "a" * 41}, "name", "pattern"),
        ({"cron": ...}, "cron", "missing"),
        ({"cron": "0 25 * * *"}, "cron", "field 2, the hour: it may hold 0 to 23"),
        ({"cron": "0 0 30 2 *"}, "cron", "never comes"),
        ({"cron": "0 0 2 * * *"}, "cron", "leave out the seconds"),
        ({"cron": "*" * 201}, "cron", "200 characters"),
        ({"time_zone": "W. Europe Standard Time"}, "time_zone", "Europe/Berlin"),
        ({"time_zone": ""}, "time_zone", "IANA"),
        ({"time_zone": "Europe"}, "time_zone", "IANA"),
        ({"time_zone": "../Europe/Berlin"}, "time_zone", "IANA"),
        ({"time_zone": "/etc/localtime"}, "time_zone", "IANA"),
        ({"input_uri": ...}, "input_uri", "missing"),
        ({"input_uri": f"{DATASTORE}/{{folder}}/"}, "input_uri", "{folder}, which has no meaning"),
        ({"input_uri": f"{DATASTORE}/{{nope}}/"}, "input_uri", "no other braces"),
        ({"input_uri": f"{DATASTORE}/a b/"}, "input_uri", "holds a space"),
        ({"input_uri": f"https://a.example/?sig={SECRET}"}, "input_uri", "secret"),
        ({"input_type": "File"}, "input_type", "UriFile"),
        ({"output_uri": f"{DATASTORE}/{{date}}.csv"}, "output_uri", "must hold {run_id}"),
        ({"output_uri": f"{DATASTORE}/{{path}}/{{run_id}}"}, "output_uri", "{path}, which has no meaning"),
        ({"days_back": 367}, "days_back", "366"),
        ({"days_back": "1"}, "days_back", "integer"),
        ({"catch_up": "some"}, "catch_up", "'last'"),
        ({"start": "Schedule"}, "start", "file, folder, marker, schedule"),
        ({"prefix": "in/"}, "prefix", "no field of such a rule"),
        ({"timeout": -1}, "timeout", ""),
        ({"endpoint_uri": "https://evil.example/jobs"}, "endpoint_uri", "not allowed"),
    ],
)
def test_a_wrong_schedule_is_named_by_index_and_field(wrong: dict[str, Any], field: str, reason: str) -> None:
    fields = {name: value for name, value in schedule_fields(**wrong).items() if value is not ...}
    for index, rules in enumerate([(fields, {"container": "data"}), ({"container": "data"}, fields)]):
        message = refusal(*rules)
        assert message.startswith(f"App setting {RULES}, rule {index}, ")
        assert field in message
        assert reason in message
        assert message.endswith(".")
        assert SECRET not in message


def test_a_name_twice_is_refused_with_both_rules() -> None:
    message = refusal(schedule_fields(), {"container": "data"}, schedule_fields(cron="0 9 * * *"))
    assert message.startswith(f"App setting {RULES}, rule 2, name: rule 0 has the same name")


def test_the_run_id_is_that_of_name_and_due_time() -> None:
    rule = schedule(time_zone="Asia/Kolkata")
    assert scheduled_run_id(rule, utc("2026-01-31 01:30")) == "schedule-nightly-20260131T0130Z"


@pytest.mark.parametrize(
    ("fields", "day"),
    [
        ({}, "2026/01/31/01"),
        ({"time_zone": "America/New_York"}, "2026/01/30/20"),
        ({"time_zone": "America/New_York", "days_back": 1}, "2026/01/29/20"),
        ({"time_zone": "Asia/Tokyo", "days_back": 31}, "2025/12/31/10"),
    ],
)
def test_placeholders_stand_for_the_due_time_in_its_zone(fields: dict[str, Any], day: str) -> None:
    made = request(
        utc("2026-01-31 01:30"),
        input_uri=f"{DATASTORE}/in/{{year}}/{{month}}/{{day}}/{{hour}}/",
        output_uri=f"{DATASTORE}/out/{{date}}/{{run_id}}.csv",
        **fields,
    )
    [binding] = made.inputs.values()
    assert (binding.type, binding.uri) == ("UriFolder", f"{DATASTORE}/in/{day}/")
    date = day.rpartition("/")[0].replace("/", "-")
    assert output_of(made) == f"{DATASTORE}/out/{date}/schedule-nightly-20260131T0130Z.csv"


def test_a_day_back_is_a_day_of_the_calendar() -> None:
    """The day before has 23 hours: 24 hours before 00:30 is 23:30 of the day before it."""
    made = request(utc("2026-03-29 22:30"), time_zone="Europe/Berlin", days_back=1)
    assert [binding.uri for binding in made.inputs.values()] == [f"{DATASTORE}/sales/2026-03-29/"]


def test_fields_of_the_request_are_those_of_the_rule() -> None:
    made = request(
        utc("2026-01-31 01:30"),
        input_type="UriFile",
        input_uri=f"{DATASTORE}/{{date}}.csv",
        deployment="v2",
        timeout=600,
        tags={"team": "fraud"},
    )
    [binding] = made.inputs.values()
    assert (binding.type, binding.uri) == ("UriFile", f"{DATASTORE}/2026-01-31.csv")
    assert (made.deployment, made.timeout, made.tags) == ("v2", 600, {"team": "fraud"})


@pytest.mark.parametrize(
    ("app", "output"),
    [
        (
            {},
            "azureml://datastores/workspaceblobstore/paths/batch-runs/nightly/2026-01-31/{run_id}/predictions.csv",
        ),
        (
            {"DEFAULT_OUTPUT_URI": DEFAULT_OUTPUT},
            "azureml://datastores/workspaceblobstore/paths/batch-runs/nightly/2026-01-31/{run_id}/predictions.csv",
        ),
        (
            {"DEFAULT_OUTPUT_URI": "none"},
            "azureml://datastores/workspaceblobstore/paths/batch-runs/nightly/2026-01-31/{run_id}/predictions.csv",
        ),
        ({"DEFAULT_OUTPUT_URI": f"{DATASTORE}/all/{{run_id}}.csv"}, f"{DATASTORE}/all/{{run_id}}.csv"),
    ],
)
def test_without_an_output_people_find_the_results_by_name_and_date(app: dict[str, str], output: str) -> None:
    made = request(utc("2026-01-31 01:30"), app)
    assert output_of(made) == output.replace("{run_id}", "schedule-nightly-20260131T0130Z")
