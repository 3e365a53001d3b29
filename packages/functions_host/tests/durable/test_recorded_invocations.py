"""In three recorded runs functions receive the same inputs from the engine as from the extension.

One run fails, one has several checks and an event, one is canceled.
"""

import asyncio
import json
from functools import cache

import pytest

from functions_host.telemetry.trace_context import TraceContext
from packages.functions_host.tests.durable.recorded_runs import (
    Invocation,
    RecordedRun,
    Seen,
    invocations,
    runs,
)
from packages.functions_host.tests.recordings import differences


@cache
def played() -> dict[int, Seen]:
    async def play() -> dict[int, Seen]:
        seen: dict[int, Seen] = {}
        for run in runs():
            recorded = RecordedRun(run)
            await recorded.play()
            seen |= recorded.seen
        return seen

    return asyncio.run(play())


@pytest.mark.parametrize("invocation", invocations(), ids=lambda each: f"{each.number}-{each.name}")
def test_a_function_receives_the_recorded_input(invocation: Invocation) -> None:
    here = played()[invocation.number]

    assert not differences(json.loads(invocation.data), json.loads(here.data), {})
    if invocation.kind == "activityTrigger":
        assert here.data == invocation.data
    if invocation.kind == "orchestrationTrigger":
        started = json.loads(here.data)["history"][1]["ParentTraceContext"]
        assert here.trace == TraceContext.parse(started["Id"])
        assert invocation.traceparent == invocation.value["history"][1]["ParentTraceContext"]["Id"]
