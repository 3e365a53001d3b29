"""Alerts and saved queries search for texts that the app logs."""

import logging
import re
from pathlib import Path

import pytest

from batch.log import log_event
from batch.run.attention import AttentionCode
from batch.run.notification import Receiver
from batch.run.phases import Phase
from infra.check.project import Project
from infra.check.rules.package import deployed_files
from infra.check.rules.python_source import Source

ROOT = Path(__file__).parents[2]
ALERTS = (ROOT / "infra/modules/alerts.bicep").read_text()
QUERIES = (ROOT / "infra/modules/queries.bicep").read_text()


def logged() -> set[str]:
    """All string literals in the app's source."""
    project = Project(ROOT, {})
    return Source.of(project, deployed_files(project)).texts


def test_events_in_queries_are_logged() -> None:
    wanted = set(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', ALERTS + QUERIES))
    assert {"run_started", "run_ended", "step_failed", "run_started_anew"} <= wanted
    assert wanted - logged() == set()


def test_each_cause_for_attention_has_an_alert_and_is_in_a_query() -> None:
    alerts = set(re.findall(r'Message startswith "(\w+)"', ALERTS))
    assert alerts - {"run_ended"} == set(AttentionCode)
    assert all(f'"{code}"' in QUERIES for code in AttentionCode)


def test_outcomes_in_queries_are_outcomes_of_runs() -> None:
    [listed] = re.findall(r"Outcome in \(([^)]*)\)", ALERTS)
    outcomes = set(re.findall(r'"(\w+)"', listed)) | set(re.findall(r'Outcome != "(\w+)"', QUERIES))
    assert outcomes == {Phase.FAILED, Phase.TIMED_OUT, Phase.COMPLETED}


def test_an_uncertain_submission_is_recognised() -> None:
    [looked_for] = set(re.findall(r'Reason startswith "(Submission [a-z]+)"', ALERTS))
    assert any(text.startswith(f"{looked_for}:") for text in logged())


def test_fields_are_taken_out_of_a_line_as_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        log_event(
            logging.getLogger("test"),
            logging.ERROR,
            "run_ended",
            run="r-1",
            job="batchjob-1",
            outcome=Phase.FAILED,
            receiver=Receiver.TOPIC,
            reason="It did not work.",
        )
    message = caplog.messages[0]

    assert message.startswith("run_ended")
    assert "outcome=Failed" in message
    patterns = dict(re.findall(r'(\w+) = extract\(@"([^"]+)", 1, Message\)', QUERIES))
    taken = {name: _first(pattern.replace("\\\\", "\\"), message) for name, pattern in patterns.items()}
    known = {"Run": "r-1", "Job": "batchjob-1", "Outcome": "Failed", "Receiver": "topic"}
    assert taken | {"Code": None} == known | {"Code": None}


def _first(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match[1] if match else None
