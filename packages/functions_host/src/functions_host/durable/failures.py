"""The texts of failures, which apps may compare, and the failure that the host itself causes."""

import json
import re

from functions_host.durable.events import compact_json
from functions_host.durable.language_worker import InvocationError

_ORCHESTRATOR_STATE_LABEL = "$OutOfProcData$:"
# Replaces the frames of the extension's own .NET code.
_STACK_TRACE = "   at functions_host.durable"
_HRESULT = -2146233088
_TIME = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,7})?Z"')


class OrchestrationFault(Exception):
    """The host refuses an action of the orchestrator: the orchestration fails with this text."""


def orchestrator_failure(name: str, error: str) -> str:
    return f"Orchestrator function '{name}' failed: {error}"


def orchestrator_failure_details(error: str) -> str:
    """What the parent of a failed orchestration receives besides ``orchestrator_failure``."""
    return f"Message: {error}, StackTrace: {_STACK_TRACE}"


def activity_failure(name: str, error: InvocationError) -> tuple[str, str]:
    """Reason and details of TaskFailed.

    The extension cuts out the text after ``Exception:`` with its leading blank; this is why there are two blanks.
    """
    host_exception = {
        "$type": "Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException, Microsoft.Azure.WebJobs.Script",
        "Message": unlabelled_failure(error),
        "Data": {"$type": "System.Collections.ListDictionaryInternal, System.Private.CoreLib"},
        "InnerException": None,
        "HelpLink": None,
        "Source": "functions_host",
        "HResult": _HRESULT,
        "StackTrace": _STACK_TRACE,
    }
    details = {
        "$type": "System.Exception, System.Private.CoreLib",
        "ClassName": "System.Exception",
        "Message": f" {error.message}",
        "Data": None,
        "InnerException": host_exception,
        "HelpURL": None,
        "StackTraceString": None,
        "RemoteStackTraceString": None,
        "RemoteStackIndex": 0,
        "ExceptionMethod": None,
        "HResult": _HRESULT,
        "Source": None,
        "WatsonBuckets": None,
    }
    return f"Activity function '{name}' failed:  {error.message}", compact_json(details)


def state_in_failure(message: str) -> str | None:
    """The orchestrator state (JSON) that the SDK appends to the text of a failure; None if there is none."""
    start = message.find(_ORCHESTRATOR_STATE_LABEL)
    while start >= 0:
        text = message[start + len(_ORCHESTRATOR_STATE_LABEL) :].lstrip()
        try:
            _, end = json.JSONDecoder().raw_decode(text)
        except ValueError:
            # The user's own text may contain the label, too.
            start = message.find(_ORCHESTRATOR_STATE_LABEL, start + 1)
        else:
            return text[:end]
    return None


def with_shortened_times(json_text: str) -> str:
    """The JSON with its times as .NET writes them: no zeros at the end of a fraction.

    durable-functions behaviour: in the state of a failed orchestrator the extension parses texts that look like
    times, and formats them again. It does not do so in the state of one that has not failed.
    """
    return _TIME.sub(lambda time: f'"{time[1]}{(time[2] or "").rstrip("0").rstrip(".")}Z"', json_text)


def unlabelled_failure(error: InvocationError) -> str:
    """The host's own text for a function that failed."""
    return f"Result: Failure\nException: {error.message}\nStack: {error.stack}"
