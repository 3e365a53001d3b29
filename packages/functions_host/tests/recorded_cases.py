"""Plays on a host the cases that were recorded of the extension, in the same order."""

import time
from typing import Any
from urllib.parse import quote

from packages.functions_host.tests.conftest import HostProcess

# An instance that must not continue is observed for this time.
_QUIET_SECONDS = 0.3
# Longer than a signal takes: the state of the entity does not show whether the signal has arrived.
_SIGNAL_SECONDS = 1.0
_ALONE = (
    *("o_echo", "o_kinds", "o_none", "o_boom", "o_caught", "o_raises", "o_retry", "o_retry_out", "o_all"),
    *("o_all_fails", "o_any", "o_timer", "o_again", "o_sub", "o_sub_auto", "o_sub_fails", "o_sub_retry"),
    *("o_entity", "o_entity_unknown", "o_no_activity", "o_guid", "o_big", "o_nondet", "o_secret", "o_many"),
)
_FOR_EVER = ("o_entity_unknown", "o_no_activity")
_INPUTS = {"object": {"a": 1}, "text": "text", "number": 5, "false": False, "list": [], "none": None}
_FIELDS = (
    *("EventType", "FunctionName", "Name", "Result", "Reason", "Details", "OrchestrationStatus", "Input"),
    "InstanceId",
)


class RecordedCases:
    """``records`` has the outcome of each case by its name, in the form of the recording."""

    def __init__(self, host: HostProcess) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self._host = host

    def play(self) -> None:
        self._orchestrations_alone()
        self._inputs()
        self._events()
        self._status_and_control()
        self._again()
        self._entity()
        self._ids()

    def _orchestrations_alone(self) -> None:
        for name in _ALONE:
            self._start(name, f"k-{name}")
        for name in _ALONE:
            if name not in _FOR_EVER:
                self._note_end(name, f"k-{name}")
        for name in _FOR_EVER:
            self._note_quiet(name, f"k-{name}", events=1)

    def _inputs(self) -> None:
        for name, value in _INPUTS.items():
            self._note_end(f"o_input {name}", self._start("o_input", f"k-in-{name}", value))

    def _events(self) -> None:
        instance_id = self._running("o_event", "k-ev")
        self._record("event status", code=self._raise(instance_id, "go", {"x": 1}))
        self._note_end("o_event", instance_id)

        instance_id = self._running("o_event", "k-ev-case")
        self._raise(instance_id, "GO", "upper")
        self._note_quiet("o_event, name in capitals", instance_id, events=2)

        instance_id = self._start("o_event", "k-ev-early")
        self._raise(instance_id, "go", "early")
        self._note_end("o_event, at once", instance_id)

        instance_id = self._running("o_two_events", "k-2ev")
        self._raise(instance_id, "go", 1)
        self._raise(instance_id, "go", 2)
        self._note_end("o_two_events", instance_id)

        instance_id = self._running("o_any_events", "k-any")
        self._raise(instance_id, "other", None)
        self._note_quiet("o_any_events", instance_id, events=1)

        instance_id = self._running("o_again_events", "k-ag")
        self._raise(instance_id, "go", "kept")
        self._host.until(lambda: self._host.status(instance_id)["input"] == "1", "continue-as-new")
        self._note_quiet("o_again_events", instance_id, events=1)

    def _status_and_control(self) -> None:
        instance_id = self._start("o_status", "k-st")
        last = {"second": [1, None]}
        self._host.until(lambda: self._host.status(instance_id)["customStatus"] == last, "custom status")
        self._record("custom status midway", customStatus=last)
        self._raise(instance_id, "go", 1)
        self._note_end("o_status", instance_id)

        instance_id = self._running("o_wait", "k-w")
        self._host.durable("POST", f"instances/{instance_id}/terminate?reason=why")
        self._note_end("terminated", instance_id)

        instance_id = self._running("o_wait", "k-s")
        self._host.durable("POST", f"instances/{instance_id}/suspend?reason=p")
        suspended = self._host.reached(instance_id, "Suspended")["runtimeStatus"]
        self._host.durable("POST", f"instances/{instance_id}/resume?reason=r")
        resumed = self._host.reached(instance_id, "Running")["runtimeStatus"]
        self._record("suspend, resume", seen=[suspended, resumed])

    def _again(self) -> None:
        answer = self._host.durable("POST", "instances/k-o_echo/restart")
        self._record("restart ended, new id", code=answer.status_code)
        self._note_end("restarted", answer.json()["id"])

        answer = self._host.durable("POST", "instances/k-o_echo/restart?restartWithNewInstanceId=false")
        self._record("restart ended, same id", code=answer.status_code)
        self._note_end("restarted same", "k-o_echo")

        answer = self._host.durable("POST", "instances/k-o_boom/rewind?reason=again")
        self._record("rewind failed", code=answer.status_code)
        self._host.until(lambda: "GenericEvent" in str(self._shown("k-o_boom")), "rewind")
        self._note_end("rewound", "k-o_boom")

        answer = self._host.durable("POST", "orchestrators/o_echo/k-o_echo")
        self._record("start over an ended one", code=answer.status_code)

        answer = self._host.durable("POST", "orchestrators/o_timer/k-wait?timeout=10&pollingInterval=1")
        self._record("start and wait", code=answer.status_code, body=answer.json())

    def _entity(self) -> None:
        answer = self._host.durable("POST", "entities/counter/direct?op=add", json=4)
        time.sleep(_SIGNAL_SECONDS)
        self._record("entity signal", code=answer.status_code, state=self._entity_text())
        self._host.durable("POST", "entities/counter/direct?op=fail")
        time.sleep(_SIGNAL_SECONDS)
        self._record("entity after a failing operation", state=self._entity_text())

    def _ids(self) -> None:
        for instance_id in ("@x", "a#b", "a?b", "x" * 101, "a\\b"):
            answer = self._host.durable("POST", f"orchestrators/o_echo/{quote(instance_id, safe='')}")
            refused = answer.text[:200] if not answer.ok else ""
            self._record(f"id {instance_id[:6]}", code=answer.status_code, body=refused)

    def _start(self, name: str, instance_id: str, value: Any = None) -> str:
        answer = self._host.durable("POST", f"orchestrators/{name}/{instance_id}", json=value)
        return str(answer.json()["id"])

    def _running(self, name: str, instance_id: str) -> str:
        self._host.reached(self._start(name, instance_id), "Running")
        return instance_id

    def _raise(self, instance_id: str, name: str, value: Any) -> int:
        return self._host.durable(
            "POST", f"instances/{instance_id}/raiseEvent/{name}", json=value
        ).status_code

    def _entity_text(self) -> str:
        return self._host.durable("GET", "entities/counter/direct").text

    def _record(self, case: str, **fields: Any) -> None:
        self.records[case] = {"case": case, **fields}

    def _note_end(self, case: str, instance_id: str) -> None:
        self._note(case, self._host.ended(instance_id), instance_id)

    def _note_quiet(self, case: str, instance_id: str, events: int) -> None:
        """The instance has ``events`` shown events, and does not continue."""
        self._host.until(lambda: len(self._shown(instance_id)) == events, f"{events} events of {case}")
        time.sleep(_QUIET_SECONDS)
        self._note(case, self._host.status(instance_id), instance_id)

    def _note(self, case: str, status: dict[str, Any], instance_id: str) -> None:
        self._record(
            case,
            status=status["runtimeStatus"],
            output=status["output"],
            customStatus=status["customStatus"],
            input=status["input"],
            events=[
                {name: value for name, value in event.items() if name in _FIELDS}
                for event in self._shown(instance_id)
            ],
        )

    def _shown(self, instance_id: str) -> list[dict[str, Any]]:
        # A history that cannot be shown is an error, whose body has no events.
        status = self._host.status(instance_id, "?showHistory=true&showHistoryOutput=true")
        return status.get("historyEvents") or []
