"""The alerts on the lines that runs log, and on those that the host writes beside them, at the times of evaluations.

The host's texts are those of its source: the exception of a function that failed, the line of the Durable extension.
"""

import json
import logging
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from batch.errors import ErrorCode
from batch.names import BATCH_RUN, NEW_DATA_WINDOW
from batch.run.state import Run
from batch.run.submission import submission_uncertain
from infra.check.project import Project
from infra.check.rules.alerts import Alert, alerts_of
from orchestrators.batch_run import bp
from tests.batch.builders import START, request
from tests.infra.kusto import INGESTED, Row, answer
from tests.orchestrators.execution import Execution, Handle, handle_of
from tests.orchestrators.steps import IDENTITY, JOB, error, started, submitted

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
EVERY = timedelta(minutes=5)
VISIBLE_AFTER = timedelta(seconds=20)
"""Between ``ingestion_time()`` and the first query that finds the row."""

SEVERITIES = {logging.INFO: 1, logging.WARNING: 2, logging.ERROR: 3}
TEMPLATE = Project(Path(__file__).parents[2], {}).templates[Path("infra/modules/alerts.bicep")]
ALERTS: Mapping[str, Alert] = {
    str(TEMPLATE.written(alert.at_item("name"))): alert
    for name in ("onOccurrence", "onCondition")
    for alert in alerts_of(TEMPLATE, TEMPLATE.declarations[name])
}

Tables = dict[str, list[Row]]


@pytest.fixture(scope="module")
def handle() -> Handle:
    return handle_of(bp, BATCH_RUN)


def row(at: datetime = NOON, **columns: object) -> Row:
    return {"TimeGenerated": at, INGESTED: at + timedelta(minutes=1), **columns}


def logged(caplog: pytest.LogCaptureFixture) -> list[Row]:
    """What the app has logged, as the host sends it: the texts with their levels."""
    rows = [
        row(Message=record.getMessage(), SeverityLevel=SEVERITIES[record.levelno])
        for record in caplog.records
    ]
    caplog.clear()
    return rows


def failed(function: str, worker_error: str) -> Row:
    """An execution of a function that failed, as the host reports it."""
    return row(
        OuterMessage=f"Exception while executing function: Functions.{function}",
        InnermostMessage=f'Result: Failure\nException: {worker_error}\nStack:   File "/home/site/app.py", line 1',
    )


def durable_failed(instance: str, function: str, kind: str = "Orchestrator") -> Row:
    """The Durable extension's line; without traceInputsAndOutputs it leaves the reason out."""
    return row(
        Message=f"{instance}: Function '{function} ({kind})' failed with an error. Reason: DurableTask.Core."
        "Exceptions.OrchestrationFailureException\n   at DurableTask.Core. IsReplay: False. State: Failed.",
        SeverityLevel=3,
    )


def orchestrator_error(message: str) -> str:
    """The text with which the Durable SDK fails an orchestrator."""
    state = json.dumps({"isDone": False, "actions": [[]], "error": message})
    return f"Exception: {message}\n\n$OutOfProcData$:{state}"


def run_that_does_not_complete(
    handle: Handle, caplog: pytest.LogCaptureFixture, run_id: str, step: object
) -> Tables:
    """A run whose check answers ``step``, and all that it leaves in the log."""
    execution = Execution(handle, json.dumps(Run(request=request()).to_json()), START, run_id)
    execution.complete(IDENTITY)
    execution.complete(JOB)
    with caplog.at_level(logging.INFO):
        given = execution.complete(step).next_input
    raises = Execution(handle, given, execution.now, run_id).answer
    assert raises.error is not None
    return {
        "AppTraces": [*logged(caplog), durable_failed(run_id, BATCH_RUN)],
        "AppExceptions": [failed(BATCH_RUN, orchestrator_error(raises.error))],
    }


def evaluations(name: str, tables: Tables, until: timedelta = timedelta(hours=2)) -> list[list[Row]]:
    """The rows that each evaluation finds: every five minutes, of the lines in its window that can be queried."""
    alert = ALERTS[name]
    found = []
    for number in range(until // EVERY):
        now = NOON + timedelta(seconds=70) + number * EVERY
        visible = {
            table: [one for one in rows if _is_visible(one, alert, now)]
            for table, rows in {"AppTraces": [], "AppExceptions": [], **tables}.items()
        }
        found.append(answer(str(TEMPLATE.written(alert.query)), visible, now))
    return found


def _is_visible(one: Row, alert: Alert, now: datetime) -> bool:
    window = timedelta(minutes=alert.minutes("windowSize"))
    return bool(now - window < one["TimeGenerated"] and one[INGESTED] + VISIBLE_AFTER <= now)


def fired(name: str, tables: Tables) -> Counter[tuple[str, ...]]:
    """How many evaluations an alert fires in, for each combination of its dimensions."""
    columns = [column for column in ("Run", "Outcome", "Reason") if column in ALERTS[name].dimensions]
    return Counter(
        key
        for rows in evaluations(name, tables)
        for key in {tuple(one[column] for column in columns) for one in rows}
    )


def joined(*several: Tables) -> Tables:
    return {name: [one for tables in several for one in tables[name]] for name in several[0]}


def test_a_failed_run_raises_one_alert_that_names_it(
    handle: Handle, caplog: pytest.LogCaptureFixture
) -> None:
    tables = run_that_does_not_complete(handle, caplog, "readings-7", {"status": "Failed"})

    [(run, outcome, reason)] = fired("runs-failed", tables).elements()
    assert (run, outcome) == ("readings-7", "Failed")
    assert reason.startswith("Job batchjob-1 failed.")
    assert {name for name in ALERTS if fired(name, tables)} == {"runs-failed"}


def test_two_failed_runs_raise_two_alerts(handle: Handle, caplog: pytest.LogCaptureFixture) -> None:
    tables = joined(
        run_that_does_not_complete(handle, caplog, "readings-7", {"status": "Failed"}),
        run_that_does_not_complete(handle, caplog, "readings-8", {"status": "Failed"}),
    )
    assert sorted(run for run, *_ in fired("runs-failed", tables).elements()) == ["readings-7", "readings-8"]


@pytest.mark.parametrize("minutes", [0, 1, 4, 5, 6, 20, 50])
def test_a_line_raises_its_alert_once_however_late_it_arrives(
    handle: Handle, caplog: pytest.LogCaptureFixture, minutes: int
) -> None:
    tables = run_that_does_not_complete(handle, caplog, "readings-7", {"status": "Failed"})
    late = timedelta(minutes=minutes)
    tables = {
        name: [{**one, INGESTED: one["TimeGenerated"] + late} for one in rows]
        for name, rows in tables.items()
    }
    assert sum(fired("runs-failed", tables).values()) == 1


def test_a_tag_named_reason_is_not_taken_for_the_reason() -> None:
    line = 'run_ended run=r-1 job=j-1 outcome=Failed checks=3 tag.reason=nightly reason="It did not work."'
    tables = {"AppTraces": [row(Message=line, SeverityLevel=3)]}
    assert list(fired("runs-failed", tables)) == [("r-1", "Failed", "It did not work.")]


def test_a_run_that_times_out_raises_the_same_alert() -> None:
    line = "run_ended run=r-1 job=j-1 outcome=TimedOut checks=3 reason=Late."
    assert list(fired("runs-failed", {"AppTraces": [row(Message=line, SeverityLevel=3)]})) == [
        ("r-1", "TimedOut", "Late.")
    ]


def test_a_job_that_somebody_cancels_raises_none(handle: Handle, caplog: pytest.LogCaptureFixture) -> None:
    tables = run_that_does_not_complete(handle, caplog, "readings-7", {"status": "Canceled"})
    assert any(one["SeverityLevel"] == 3 and "Canceled" in one["Message"] for one in tables["AppTraces"])
    assert not [name for name in ALERTS if fired(name, tables)]


def test_a_completed_run_raises_none(handle: Handle, caplog: pytest.LogCaptureFixture) -> None:
    execution = submitted(handle)
    with caplog.at_level(logging.INFO):
        execution.complete({"status": "Completed", "cancel_requested": False})
    tables = {"AppTraces": logged(caplog)}
    assert any(one["Message"].startswith("run_ended") for one in tables["AppTraces"])
    assert not [name for name in ALERTS if fired(name, tables)]


def test_an_uncertain_submission_raises_its_own_alert(
    handle: Handle, caplog: pytest.LogCaptureFixture
) -> None:
    execution = started(handle)
    execution.complete(IDENTITY)
    with caplog.at_level(logging.INFO):
        execution.complete(error(ErrorCode.SUBMISSION_UNCERTAIN, str(submission_uncertain("no answer"))))
    tables = {"AppTraces": logged(caplog), "AppExceptions": []}

    [(run, outcome, reason)] = fired("submission-uncertain", tables).elements()
    assert (run, outcome) == (execution.instance_id, "Failed")
    assert reason.startswith("Submission uncertain: the job may or may not exist, no answer.")
    assert {name for name in ALERTS if fired(name, tables)} == {"submission-uncertain"}


ERRORS_OF_THE_APP = {
    "an orchestration that was not deterministic": failed(
        BATCH_RUN,
        orchestrator_error("Non-Deterministic workflow detected: A previous execution scheduled a timer"),
    ),
    "a run that the worker could not load": failed(BATCH_RUN, "ModuleNotFoundError: No module named 'batch'"),
    "an activity that crashed": failed("check_status", "ActivityFailed: KeyError: 'job'"),
    "the extension's line on that activity": durable_failed("r-1", "check_status", "Activity"),
    "a window that failed": durable_failed("w-1", NEW_DATA_WINDOW),
    "a run that broke": row(
        Message="run_broke run=r-1\nTraceback (most recent call last):\n"
        '  File "/home/site/wwwroot/orchestrators/batch_run.py", line 80, in batch_run\nKeyError: 1',
        SeverityLevel=3,
    ),
    "housekeeping that failed": row(Message="housekeeping_failed part=mend reason=…", SeverityLevel=3),
    "an end that nobody was told": row(
        Message="notification_given_up run=r-1 receiver=topic", SeverityLevel=3
    ),
    "the host": row(Message="Unhandled exception with work item 'r-1': timeout", SeverityLevel=3),
}


@pytest.mark.parametrize("one", ERRORS_OF_THE_APP.values(), ids=ERRORS_OF_THE_APP.keys())
def test_an_error_of_the_app_or_its_host_raises_an_alert_once(one: Row) -> None:
    table = "AppTraces" if "Message" in one else "AppExceptions"
    assert sum(fired("host-errors", {table: [one]}).values()) == 1
    assert ALERTS["host-errors"].minutes("muteActionsDuration") == 60


def test_a_warning_is_no_error() -> None:
    line = row(Message="step_failed run=r-1 code=service_unavailable", SeverityLevel=2)
    assert not [name for name in ALERTS if fired(name, {"AppTraces": [line]})]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("run-not-started", "run_not_started"),
        ("run-not-checked", "run_not_checked"),
        ("job-not-moving", "job_not_moving"),
    ],
)
def test_a_run_that_needs_attention_is_one_alert_until_its_line_is_missing(name: str, event: str) -> None:
    """Its state is kept for each run, so it must be found without a gap while housekeeping repeats the line."""
    lines = [
        row(NOON + EVERY * number, Message=f"{event} run=r-{run} since=… message=…", SeverityLevel=2)
        for number in range(6)
        for run in (1, 2)
    ]
    found = [{one["Run"] for one in rows} for rows in evaluations(name, {"AppTraces": lines})]
    first = found.index({"r-1", "r-2"})
    last = len(found) - found[::-1].index({"r-1", "r-2"})
    assert all(runs == {"r-1", "r-2"} for runs in found[first:last])
    assert not any(found[last:]), "the alert resolves when the line is missing"
