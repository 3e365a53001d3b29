"""Runs any v2 app in this process through the production Python worker's own core.

The core keeps the indexed functions in module state, so there is one app per process and one worker per app.
"""

from __future__ import annotations

import itertools
import logging
import os
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime
from azure.functions._durable_functions import df_loads

from local.functions_host import protos
from local.functions_host.durable.contract import InvocationError
from local.functions_host.functions import FunctionDefinition, function_definition

log = logging.getLogger(__name__)

core: Any = azure_functions_runtime

CORE_LOGGER = "azure.functions"
_CHATTY_DURABLE_LOGGER = "azure.functions.DurableFunctions"
_NOT_GIVEN = SimpleNamespace(
    trace_parent="", trace_state="", attributes={}, retry_count=0, max_retry_count=0, exception=None
)

# Functions of the one app that this process can load, by its folder.
_indexed: dict[Path, Sequence[FunctionDefinition]] = {}

ClientBindingValue = Callable[[Mapping[str, Any]], str]


class IndexingError(Exception):
    """The app cannot be indexed. The text is the worker's own reason."""

    def __init__(self, reason: str, stack: str = "") -> None:
        super().__init__(reason)
        self.stack = stack


class PythonWorker:
    """Invokes the functions of the app. Make it with ``await PythonWorker.load(…)``."""

    def __init__(self, functions: Sequence[FunctionDefinition], client_value: ClientBindingValue) -> None:
        self.functions = functions
        self._by_durable_name = {
            kind: {f.durable_name.lower(): f for f in functions if f.trigger_type == kind}
            for kind in ("orchestrationTrigger", "activityTrigger", "entityTrigger")
        }
        self._client_inputs = {
            function.function_id: [
                protos.ParameterBinding(name=b["name"], data=protos.TypedData(string=client_value(b)))
                for b in function.durable_client_bindings
            ]
            for function in functions
        }
        # An id per invocation that costs nothing to make and is unique beyond this process.
        self._invocation_prefix = str(uuid.uuid4())[:24]
        self._invocations = itertools.count()

    @classmethod
    async def load(cls, app_dir: Path, client_value: ClientBindingValue) -> PythonWorker:
        """Imports and indexes the app. Raises IndexingError with the reason the production worker gives.

        ``app_dir`` is absolute; it becomes the current directory and ``sys.path[0]``, as in Azure.
        ``client_value`` turns a ``durableClient`` binding into the JSON text that the durable client reads.
        """
        _spend_one_time_notices()
        core.start_threadpool_executor()
        return cls(await _indexed_functions(app_dir), client_value)

    @property
    def orchestrators(self) -> Collection[str]:
        return self._names("orchestrationTrigger")

    @property
    def activities(self) -> Collection[str]:
        return self._names("activityTrigger")

    @property
    def entities(self) -> Collection[str]:
        return self._names("entityTrigger")

    async def run_orchestrator(self, name: str, context_json: str) -> str:
        result = await self._run_durable("orchestrationTrigger", name, context_json)
        return str(result.json)

    async def run_activity(self, name: str, input_json: str, instance_id: str) -> str | None:
        result = await self._run_durable("activityTrigger", name, input_json)
        return None if result.json == "null" else str(result.json)

    async def run_entity(self, name: str, batch_json: str) -> str:
        result = await self._run_durable("entityTrigger", name, batch_json)
        return str(result.json)

    async def invoke(self, function: FunctionDefinition, trigger_data: protos.TypedData) -> Any:
        """Runs one function and returns its ``$return`` value, TypedData or None.

        Raises InvocationError when the function, or the conversion of its input or output, fails.
        """
        trigger_input = protos.ParameterBinding(name=function.trigger["name"], data=trigger_data)
        invocation = SimpleNamespace(
            invocation_id=f"{self._invocation_prefix}{next(self._invocations):012x}",
            function_id=function.function_id,
            input_data=[trigger_input, *self._client_inputs[function.function_id]],
            trigger_metadata={},
            trace_context=_NOT_GIVEN,
            retry_context=_NOT_GIVEN,
        )
        started = time.perf_counter()
        response = await core.invocation_request(
            SimpleNamespace(request=SimpleNamespace(invocation_request=invocation))
        )
        milliseconds = (time.perf_counter() - started) * 1000
        if response.result.status == protos.StatusResult.Failure:
            failure = response.result.exception
            raise InvocationError(failure.message, failure.stack_trace)
        log.debug("%s succeeded in %.1f ms", function.name, milliseconds)
        return response.return_value

    async def stop(self) -> None:
        """Takes no more functions; one that runs on a thread goes on to its end, unheard."""
        core.get_threadpool_executor().shutdown(wait=False, cancel_futures=True)
        await _close_durable_client_session()

    async def _run_durable(self, kind: str, name: str, text: str) -> Any:
        function = self._by_durable_name[kind][name.lower()]
        try:
            return await self.invoke(function, protos.TypedData(string=text))
        except InvocationError as error:
            log.warning("%s failed: %s", function.name, _readable(error.stack or error.message))
            raise

    def _names(self, kind: str) -> Collection[str]:
        return [function.durable_name for function in self._by_durable_name[kind].values()]


async def _indexed_functions(app_dir: Path) -> Sequence[FunctionDefinition]:
    """Indexes the app once; a host that is stopped and started again in one process finds it indexed."""
    for known_dir, functions in _indexed.items():
        if known_dir != app_dir:
            raise RuntimeError(
                f"This process has loaded the app in {known_dir}; start another for {app_dir}."
            )
        return functions
    script = os.environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    if not (app_dir / script).is_file():
        raise IndexingError(f"There is no {script} in {app_dir} (v1 apps with function.json are not served).")
    os.chdir(app_dir)
    sys.path.insert(0, str(app_dir))
    _indexed[app_dir] = await _index(app_dir)
    return _indexed[app_dir]


async def _index(app_dir: Path) -> Sequence[FunctionDefinition]:
    core_log = logging.getLogger(CORE_LOGGER)
    level = core_log.level
    if not core_log.isEnabledFor(logging.INFO):
        # The core logs an import error with the whole sys.path, twice; IndexingError carries the reason.
        core_log.setLevel(logging.CRITICAL)
    try:
        response = await core.worker_init_request(
            SimpleNamespace(
                request=SimpleNamespace(
                    worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=str(app_dir))
                ),
                properties={"host": "127.0.0.1", "protos": protos},
            )
        )
        if response.result.status == protos.StatusResult.Failure:
            failure = response.result.exception
            raise IndexingError(failure.message, failure.stack_trace)
        metadata = await core.functions_metadata_request(None)
    finally:
        core_log.setLevel(level)
    return [function_definition(item) for item in metadata.function_metadata_results or ()]


def _spend_one_time_notices() -> None:
    """The SDK warns once per process that activities decode untyped JSON; the app can do nothing about it."""
    durable_log = logging.getLogger(_CHATTY_DURABLE_LOGGER)
    was_disabled, durable_log.disabled = durable_log.disabled, True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        df_loads("null")
    durable_log.disabled = was_disabled


async def _close_durable_client_session() -> None:
    # The SDK shares one HTTP session per process and has no shutdown hook for it.
    http_utils = sys.modules.get("azure.durable_functions.models.utils.http_utils")
    if http_utils is not None:
        await http_utils._close_session()


def _readable(text: str) -> str:
    # A failed orchestrator's message ends with all its actions, for the host to replay, and its trace with
    # that message; the user's own error is the cause, and is told first.
    before, label, _ = text.partition("$OutOfProcData$")
    if label:
        before, _, _ = before.partition(
            "\nThe above exception was the direct cause of the following exception:"
        )
    return before.rstrip()
