"""What a status query shows of an instance and of its history."""

from datetime import UTC, datetime
from typing import Any

import pytest

from functions_host.durable.errors import ArgumentError
from functions_host.durable.states import InstanceState, RuntimeStatus
from functions_host.durable_http.status import history_payload, status_payload

T = "2026-01-01T00:00:0{}.0000000Z"


def event(kind: int, event_id: int = -1, at: int = 0, **fields: Any) -> dict[str, Any]:
    return {"EventType": kind, "EventId": event_id, "IsPlayed": False, "Timestamp": T.format(at), **fields}


STARTED = event(
    0,
    Name="orch",
    Version="",
    Input='"{\\"a\\": 1}"',
    Tags=None,
    OrchestrationInstance={"InstanceId": "i", "ExecutionId": "e"},
    ParentInstance=None,
    Generation=0,
)
HISTORY = [
    event(12),
    STARTED,
    event(4, 0, Name="act", Version="", Input=None),
    event(7, 1, Name="child", Version="", Input=None, InstanceId="c"),
    event(4, 2, Name="slow", Version="", Input=None),
    event(10, 3, FireAt=T.format(5)),
    event(13),
    event(12, at=1),
    event(5, at=1, TaskScheduledId=0, Result='{"r": 1}'),
    event(9, at=1, TaskScheduledId=1, Reason="bad", Details="d"),
    event(11, at=1, TimerId=3, FireAt=T.format(5)),
    event(15, at=1, Name="go", Input='{"k": 1}'),
    event(1, 4, at=1, OrchestrationStatus=1, Result='"done"', FailureDetails=None),
    event(13, at=1),
]


def by_type(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["EventType"]: item for item in events}


def test_history_in_the_form_for_people() -> None:
    shown = history_payload(HISTORY, show_output=True, show_input=True)
    assert [item["EventType"] for item in shown] == [
        "ExecutionStarted",
        "TaskScheduled",
        "TimerCreated",
        "TaskCompleted",
        "SubOrchestrationInstanceFailed",
        "TimerFired",
        "EventRaised",
        "ExecutionCompleted",
    ]
    events = by_type(shown)
    assert events["ExecutionStarted"] == {
        "EventType": "ExecutionStarted",
        "Timestamp": T.format(0),
        "FunctionName": "orch",
        "Input": '"{\\"a\\": 1}"',
        "Generation": 0,
    }
    assert events["TaskScheduled"]["Name"] == "slow"
    assert events["TaskCompleted"] == {
        "EventType": "TaskCompleted",
        "Timestamp": T.format(1),
        "Result": {"r": 1},
        "ScheduledTime": "2026-01-01T00:00:00+00:00",
        "FunctionName": "act",
        "Input": None,
    }
    assert events["SubOrchestrationInstanceFailed"] == {
        "EventType": "SubOrchestrationInstanceFailed",
        "Timestamp": T.format(1),
        "Reason": "bad",
        "Details": "d",
        "ScheduledTime": "2026-01-01T00:00:00+00:00",
        "FunctionName": "child",
        "InstanceId": "c",
        "Input": None,
    }
    assert events["TimerFired"] == {
        "EventType": "TimerFired",
        "Timestamp": T.format(1),
        "FireAt": T.format(5),
    }
    assert events["EventRaised"]["Input"] == '{"k": 1}'
    assert events["ExecutionCompleted"]["OrchestrationStatus"] == "Completed"
    assert events["ExecutionCompleted"]["Result"] == "done"


def test_history_without_input_and_output() -> None:
    shown = history_payload(HISTORY, show_output=False, show_input=False)
    assert not any("Input" in item or "Result" in item for item in shown)
    assert by_type(shown)["TaskCompleted"]["FunctionName"] == "act"


def test_a_history_with_two_schedules_of_one_id_cannot_be_shown() -> None:
    twice = [STARTED, event(4, 0, Name="act", Version=""), event(4, 0, Name="other", Version="")]
    with pytest.raises(ArgumentError, match=r"already been added\. Key: TaskScheduled_0"):
        history_payload(twice, show_output=True, show_input=True)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [(None, None), ('{"a": 1}', {"a": 1}), ('"x"', "x"), ("stopped by hand", "stopped by hand"), ("", "")],
)
def test_stored_text_is_shown_as_json_or_as_it_is(stored: str | None, shown: Any) -> None:
    time = datetime(2026, 1, 1, 1, 2, 3, 456789, tzinfo=UTC)
    state = InstanceState("i", "orch", "1.0", RuntimeStatus.TERMINATED, time, time, stored, stored, stored)
    assert status_payload(state) == {
        "name": "orch",
        "version": "1.0",
        "instanceId": "i",
        "runtimeStatus": "Terminated",
        "input": shown,
        "customStatus": shown,
        "output": shown,
        "createdTime": "2026-01-01T01:02:03Z",
        "lastUpdatedTime": "2026-01-01T01:02:03Z",
    }
    assert status_payload(state, show_input=False)["input"] is None
