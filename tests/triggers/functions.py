"""Client functions as the host calls them: by name, with the binding of the durable client as text."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df

Function = Callable[..., Awaitable[Any]]

INVOCATION = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=None, trace_state=None))
"""The context of a call that belongs to no trace."""


def functions(bp: df.Blueprint) -> dict[str, Function]:
    app = df.DFApp()
    app.register_functions(bp)
    return {function.get_function_name(): function.get_user_function() for function in app.get_functions()}
