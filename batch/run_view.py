"""A run in our words, put together from its durable status."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from batch.contract import RunRequest
from batch.errors import ErrorCode
from batch.run import Phase
from batch.timestamps import format_timestamp, parse_timestamp

PENDING = "Pending"
TERMINATED = "Terminated"
PHASES = (PENDING, *(phase.value for phase in Phase), TERMINATED)
ENDED_RUNTIME_STATUSES = frozenset({"Completed", "Failed", "Terminated", "Canceled"})

_TIMES = ("started_at", "submitted_at", "running_at", "last_check_at", "next_check_at", "ended_at")


def run_view(
    run_id: str,
    *,
    runtime_status: str,
    created_at: datetime,
    updated_at: datetime,
    request: RunRequest | None,
    custom_status: object,
    output: object,
) -> dict[str, Any]:
    """``request`` is None in lists, which do not read it."""
    status: Mapping[str, Any] = custom_status if isinstance(custom_status, dict) else {}
    view: dict[str, Any] = {
        "run_id": run_id,
        "phase": phase_of(runtime_status, status),
        "runtime_status": runtime_status,
        "endpoint_uri": status.get("endpoint_uri") or (request.endpoint_uri if request else None),
        "identity": status.get("identity"),
        "job": status.get("job"),
        "checks": status.get("checks", 0),
        **{name: status.get(name) for name in _TIMES},
        "cancellation": status.get("cancellation"),
        "problem": status.get("problem"),
        "error": status.get("error"),
    }
    view["started_at"] = view["started_at"] or format_timestamp(created_at)
    if request:
        view["request"] = request.model_dump(mode="json", exclude={"endpoint_uri"}, exclude_none=True)
        view["outputs"] = {name: binding.uri for name, binding in request.outputs.items()}
    if has_ended(runtime_status):
        view["ended_at"] = view["ended_at"] or format_timestamp(updated_at)
        if runtime_status != "Completed" and not view["error"]:
            view["error"] = _unforeseen(runtime_status, output)
    return view


def phase_of(runtime_status: str, custom_status: Mapping[str, Any]) -> str:
    """The runtime's word counts where it has ended the run without the orchestrator's doing."""
    phase = str(custom_status.get("phase") or PENDING)
    ended_by_itself = phase in ("Completed", "Failed", "Canceled", "TimedOut")
    if runtime_status in ("Terminated", "Canceled") and not ended_by_itself:
        return TERMINATED
    if runtime_status == "Failed" and not ended_by_itself:
        return Phase.FAILED.value
    return phase


def has_ended(runtime_status: str) -> bool:
    return runtime_status in ENDED_RUNTIME_STATUSES


def started_at(view: Mapping[str, Any]) -> datetime | None:
    return parse_timestamp(view["started_at"])


def _unforeseen(runtime_status: str, output: object) -> dict[str, str]:
    text = f"The orchestration ended {runtime_status}: {output}"
    if runtime_status == "Terminated":
        text += " Terminating stops the run, not its job: cancel the job in Azure ML Studio if it still runs."
    return {"code": ErrorCode.INTERNAL.value, "message": text}
