"""Two activities, one after the other, which do almost nothing."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def two_activities(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str]:
    number = context.get_input()
    first: str = yield context.call_activity("append", f"{number}-first")
    second: str = yield context.call_activity("append", f"{first}-second")
    return second


@app.activity_trigger(input_name="text")
def append(text: str) -> str:
    return f"{text}."
