"""How an orchestration can fail on the host's side, and the texts of failures that apps match on."""

from __future__ import annotations

import json

from .contract import InvocationError
from .events import HistoryEvent, compact_json

_ORCHESTRATOR_STATE_LABEL = "$OutOfProcData$:"


class OrchestrationFault(Exception):
    """The host refuses an action of the orchestrator: the orchestration fails with this text."""


class NonDeterministicOrchestrationError(Exception):
    """The history holds something that the orchestrator, run again, did not ask for."""

    def __init__(self, event: HistoryEvent, did: str, did_now: str | None) -> None:
        named = f" and name '{event['Name']}'" if event.get("Name") is not None else ""
        version = f" (version '{event['Version']}')" if event.get("Version") is not None else ""
        instead = (
            "but the current replay execution hasn't (yet?) scheduled this task."
            if did_now is None
            else f"but the current replay execution instead {did_now}."
        )
        super().__init__(
            f"Non-Deterministic workflow detected: A previous execution of this orchestration {did} with "
            f"sequence ID {event['EventId']}{named}{version}, {instead} Was a change made to the "
            "orchestrator code after this instance had already started running?"
        )


def orchestrator_failure(name: str, error: str) -> str:
    return f"Orchestrator function '{name}' failed: {error}"


def activity_failure(name: str, error: InvocationError) -> tuple[str, str]:
    """Reason and details of TaskFailed.

    The extension cuts the text that follows ``Exception:`` and keeps its leading blank, hence the two blanks.
    """
    details = {
        "$type": "System.Exception, System.Private.CoreLib",
        "ClassName": "System.Exception",
        "Message": f" {error.message}",
        "Data": None,
        "InnerException": None,
        "HelpURL": None,
        "StackTraceString": error.stack or None,
        "RemoteStackTraceString": None,
        "RemoteStackIndex": 0,
        "ExceptionMethod": None,
        "HResult": -2146233088,
        "Source": None,
        "WatsonBuckets": None,
    }
    return f"Activity function '{name}' failed:  {error.message}", compact_json(details)


def state_in_failure(message: str) -> str | None:
    """The orchestrator state that the SDK appends to the text of a failure, as JSON; None without."""
    start = message.find(_ORCHESTRATOR_STATE_LABEL)
    while start >= 0:
        text = message[start + len(_ORCHESTRATOR_STATE_LABEL) :].lstrip()
        try:
            _, end = json.JSONDecoder().raw_decode(text)
        except ValueError:
            # The user's own text may hold the label too.
            start = message.find(_ORCHESTRATOR_STATE_LABEL, start + 1)
        else:
            return text[:end]
    return None


def unlabelled_failure(error: InvocationError) -> str:
    """What is reported when the orchestrator could not even be run."""
    return f"Result: Failure\nException: {error.message}\nStack: {error.stack}"
