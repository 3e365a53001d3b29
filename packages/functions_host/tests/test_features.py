"""The features of orchestrations and entities, each through HTTP."""

from typing import Any

import pytest

APP = "features"


def test_durable_functions_are_announced_by_kind(host: Any) -> None:
    assert f"  start: [POST] {host.url}/api/start/{{orchestrator}}\n" in host.announced
    assert "\nOrchestrators: RoundTrip, " in host.announced
    assert "\nActivities: Echo, " in host.announced
    assert "\nEntities: Counter\n" in host.announced


def test_activities_in_sequence(host: Any) -> None:
    assert host.run("chain", ["Ada", "Bob"])["output"] == ["Hello Ada!", "Hello Bob!"]


def test_an_orchestrator_without_a_yield(host: Any) -> None:
    assert host.run("plain_return")["output"] == "no yield"


def test_fan_out_and_in(host: Any) -> None:
    assert host.run("fan_out", 30)["output"] == list(range(30))


def test_a_failing_activity_fails_the_orchestration(host: Any) -> None:
    status = host.run("failing")
    assert status["runtimeStatus"] == "Failed"
    assert status["output"].startswith(
        "Orchestrator function 'failing' failed: Activity function 'fail' failed:  ValueError: boom"
    )


def test_a_failure_can_be_caught(host: Any) -> None:
    status = host.run("catching")
    assert status["runtimeStatus"] == "Completed"
    assert status["output"].startswith("Activity function 'fail' failed:  ValueError: boom")


def test_an_orchestrator_that_raises(host: Any) -> None:
    status = host.run("raising")
    assert (status["runtimeStatus"], status["output"]) == (
        "Failed",
        "Orchestrator function 'raising' failed: the orchestrator itself",
    )


def test_an_orchestrator_that_raises_before_it_is_a_generator(host: Any) -> None:
    status = host.run("raising_without_yield")
    assert status["runtimeStatus"] == "Failed"
    assert status["output"].startswith(
        "Orchestrator function 'raising_without_yield' failed: Result: Failure\n"
        "Exception: RuntimeError: before anything\nStack: "
    )


def test_output_that_is_not_json_fails(host: Any) -> None:
    assert host.run("returns_an_object")["runtimeStatus"] == "Failed"


def test_retries_until_it_works(host: Any) -> None:
    assert host.run("retrying", {"key": "retry-ok", "failures": 2, "attempts": 3})["output"] == 3


def test_retries_are_exhausted(host: Any) -> None:
    status = host.run("retrying", {"key": "retry-no", "failures": 9, "attempts": 3})
    assert status["runtimeStatus"] == "Failed"
    assert "attempt 3" in status["output"]
    assert host.call("GET", "/api/calls/retry-no").text == "3"


def test_what_looks_like_a_secret_is_taken_out_of_the_traceback_too(host: Any) -> None:
    output = host.run("failing_with_a_key_in_the_traceback")["output"]
    assert "no luck" in output
    assert "dict([Hidden Credential]" in output
    assert "dict(key=" not in output


def test_a_timer(host: Any) -> None:
    """It may fire up to one second early, not more."""
    assert host.run("sleeping", 1_500)["output"] >= 1


def test_a_timer_due_in_the_past_fires_at_once(host: Any) -> None:
    assert host.run("sleeping", -1000)["runtimeStatus"] == "Completed"


def test_an_external_event(host: Any) -> None:
    instance_id = host.start("waiting")
    host.durable("POST", f"instances/{instance_id}/raiseEvent/approval", json={"by": "Ada"})
    assert host.ended(instance_id)["output"] == {"by": "Ada"}


def test_events_with_other_names_are_kept_waiting(host: Any) -> None:
    instance_id = host.start("waiting")
    host.durable("POST", f"instances/{instance_id}/raiseEvent/other", json=1)
    host.durable("POST", f"instances/{instance_id}/raiseEvent/approval", json=2)
    assert host.ended(instance_id)["output"] == 2


def test_the_event_wins_over_the_timer(host: Any) -> None:
    instance_id = host.start("event_or_timeout", 3600)
    host.durable("POST", f"instances/{instance_id}/raiseEvent/go", json="now")
    assert host.ended(instance_id)["output"] == "now"


def test_the_timer_wins_over_the_event(host: Any) -> None:
    assert host.run("event_or_timeout", 0)["output"] == "timeout"


def test_custom_status_is_shown_while_running(host: Any) -> None:
    instance_id = host.start("waiting")
    host.until(lambda: host.status(instance_id)["customStatus"] == {"waiting": "approval"}, "custom status")
    host.durable("POST", f"instances/{instance_id}/terminate")


def test_sub_orchestration(host: Any) -> None:
    status = host.run("parent", instance_id="the-parent")
    assert status["output"]["value"] == {"from": "the-parent"}
    assert status["output"]["instance"] == "the-parent-child"
    assert host.status("the-parent-child")["runtimeStatus"] == "Completed"


def test_a_failing_sub_orchestration(host: Any) -> None:
    assert "Orchestrator function 'failing' failed" in host.run("parent_of_failing")["output"]


def test_continue_as_new(host: Any) -> None:
    status = host.run("counting_down", 5, "countdown")
    assert (status["output"], status["input"]) == ("lift-off", "0")
    history = host.status("countdown", "?showHistory=true")["historyEvents"]
    assert [event["EventType"] for event in history] == [
        "ExecutionStarted",
        "TaskCompleted",
        "ExecutionCompleted",
    ], "each generation starts with a new history"


def test_suspended_orchestrations_do_nothing_until_resumed(host: Any) -> None:
    instance_id = host.start("sleeping", 2_000)
    host.reached(instance_id, "Running")
    host.durable("POST", f"instances/{instance_id}/suspend")
    host.reached(instance_id, "Suspended")

    def timer_fired() -> bool:
        events = host.status(instance_id, "?showHistory=true")["historyEvents"]
        return any(event["EventType"] == "TimerFired" for event in events)

    host.until(timer_fired, "the timer in the history")
    assert host.status(instance_id)["runtimeStatus"] == "Suspended"
    host.durable("POST", f"instances/{instance_id}/resume")
    assert host.ended(instance_id)["runtimeStatus"] == "Completed"


def test_terminate_while_a_timer_is_open(host: Any) -> None:
    instance_id = host.start("sleeping", 3_600_000)
    host.reached(instance_id, "Running")
    host.durable("POST", f"instances/{instance_id}/terminate?reason=enough")
    status = host.ended(instance_id)
    assert (status["runtimeStatus"], status["output"]) == ("Terminated", "enough")


def test_rewind_runs_the_failed_activity_again(host: Any) -> None:
    instance_id = host.start("rewindable", {"key": "rewound", "failures": 2})
    assert host.ended(instance_id)["runtimeStatus"] == "Failed"
    host.durable("POST", f"instances/{instance_id}/rewind")
    host.until(lambda: host.call("GET", "/api/calls/rewound").text == "2", "the second try")
    assert host.reached(instance_id, "Failed")
    host.durable("POST", f"instances/{instance_id}/rewind")
    assert host.reached(instance_id, "Completed")["output"] == 3


def test_changed_orchestrator_code_is_detected(host: Any) -> None:
    instance_id = host.start("switched")
    host.until(
        lambda: "TaskCompleted" in str(host.status(instance_id, "?showHistory=true")), "the first activity"
    )
    host.call("POST", "/api/switch/deployed")
    host.durable("POST", f"instances/{instance_id}/raiseEvent/go", json=1)
    try:
        status = host.ended(instance_id)
    finally:
        host.call("POST", "/api/switch/deployed")
    assert status["runtimeStatus"] == "Failed"
    assert "Non-Deterministic workflow detected" in status["output"]


@pytest.mark.parametrize(
    ("orchestrator", "kind"),
    [
        ("calls_unknown_activity", "activity"),
        ("calls_unknown_orchestrator", "orchestrator"),
        ("calls_unknown_entity", "entity"),
    ],
)
def test_a_call_of_an_unknown_function_waits_forever_and_the_log_says_why(
    host: Any, orchestrator: str, kind: str
) -> None:
    instance_id = host.start(orchestrator)
    said = (
        f"Instance {instance_id} of {orchestrator} waits forever for a function that the app does not have."
    )
    line = host.until(
        lambda: next((line for line in host.log().splitlines() if said in line), None), "the line in the log"
    )
    assert f"The function 'no_such_{kind}' doesn't exist" in line
    assert f"The following are the known {kind} functions" in line
    host.reached(instance_id, "Running")


def test_logs_guarded_by_is_replaying_appear_once(host: Any) -> None:
    host.run("logs_once")
    assert host.log().count("before the activity") == 1
    assert host.log().count("after the activity") == 1


def test_failures_are_logged_for_the_developer(host: Any) -> None:
    host.run("failing")
    assert "ValueError: boom" in host.log()
    assert "$OutOfProcData$" not in host.log()


# --- entities -------------------------------------------------------------------------------------------


def test_entities_are_signalled_and_called(host: Any) -> None:
    assert host.run("uses_entity", "e1")["output"] == 8


def test_an_error_in_an_entity_reaches_the_caller(host: Any) -> None:
    assert "division" in host.run("asks_entity_too_much")["output"]


def test_operations_of_one_entity_do_not_race(host: Any) -> None:
    ids = [host.start("uses_entity", "shared") for _ in range(10)]
    for instance_id in ids:
        host.ended(instance_id)
    assert host.durable("GET", "entities/Counter/shared").json() == 80


def test_many_instances_at_once(host: Any) -> None:
    ids = [host.durable("POST", "orchestrators/chain").json()["id"] for _ in range(50)]
    assert all(host.ended(instance_id)["runtimeStatus"] == "Completed" for instance_id in ids)
