"""Invokes the functions of an app in this process, through the core of the production Python worker."""

import itertools
import logging
import sys
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from functions_host.durable.language_worker import InvocationError
from functions_host.telemetry.trace_context import TraceContext
from functions_host.worker import protos
from functions_host.worker.functions import FunctionDefinition
from functions_host.worker.indexing import core, indexed_functions
from functions_host.worker.redaction import without_credentials

log = logging.getLogger(__name__)

_NO_RETRY = SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)

ClientBindingValue = Callable[[Mapping[str, Any]], str]


class PythonWorker:
    """Implements ``Worker``. Make it with ``await PythonWorker.load(…)``."""

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
        # Invocation ids are cheap to make, and unique beyond this process.
        self._invocation_prefix = str(uuid.uuid4())[:24]
        self._invocations = itertools.count()

    @classmethod
    async def load(cls, app_dir: Path, client_value: ClientBindingValue) -> Self:
        """Indexes the app in ``app_dir`` (absolute). Raises IndexingError.

        ``client_value`` turns a ``durableClient`` binding into the JSON text that the durable client reads.
        """
        functions = await indexed_functions(app_dir)
        core.start_threadpool_executor()
        return cls(functions, client_value)

    @property
    def orchestrators(self) -> Collection[str]:
        return self._names("orchestrationTrigger")

    @property
    def activities(self) -> Collection[str]:
        return self._names("activityTrigger")

    @property
    def entities(self) -> Collection[str]:
        return self._names("entityTrigger")

    async def run_orchestrator(self, name: str, context_json: str, trace: TraceContext) -> str:
        result = await self._run_durable("orchestrationTrigger", name, context_json, trace)
        return str(result.json)

    async def run_activity(
        self, name: str, input_json: str, instance_id: str, trace: TraceContext
    ) -> str | None:
        result = await self._run_durable("activityTrigger", name, input_json, trace)
        return None if result.json == "null" else str(result.json)

    async def run_entity(self, name: str, batch_json: str, trace: TraceContext) -> str:
        result = await self._run_durable("entityTrigger", name, batch_json, trace)
        return str(result.json)

    async def invoke(
        self, function: FunctionDefinition, trigger_data: protos.TypedData, trace: TraceContext
    ) -> Any:
        """Runs one function in the span ``trace`` and returns its ``$return`` value, TypedData or None.

        Raises InvocationError when the function, or the conversion of its input or output, fails.
        """
        trigger_input = protos.ParameterBinding(name=function.trigger["name"], data=trigger_data)
        invocation = SimpleNamespace(
            invocation_id=f"{self._invocation_prefix}{next(self._invocations):012x}",
            function_id=function.function_id,
            input_data=[trigger_input, *self._client_inputs[function.function_id]],
            trigger_metadata={},
            trace_context=SimpleNamespace(
                trace_parent=trace.traceparent, trace_state=trace.state, attributes={}
            ),
            retry_context=_NO_RETRY,
        )
        started = time.perf_counter()
        response = await core.invocation_request(
            SimpleNamespace(request=SimpleNamespace(invocation_request=invocation))
        )
        milliseconds = (time.perf_counter() - started) * 1000
        if response.result.status == protos.StatusResult.Failure:
            failure = response.result.exception
            raise InvocationError(
                without_credentials(failure.message), without_credentials(failure.stack_trace)
            )
        log.debug("%s succeeded in %.1f ms", function.name, milliseconds)
        return response.return_value

    async def stop(self) -> None:
        """Starts no more functions. A function that runs on a thread continues; its result is ignored."""
        core.get_threadpool_executor().shutdown(wait=False, cancel_futures=True)
        await _close_durable_client_session()

    async def _run_durable(self, kind: str, name: str, text: str, trace: TraceContext) -> Any:
        function = self._by_durable_name[kind][name.lower()]
        try:
            return await self.invoke(function, protos.TypedData(string=text), trace)
        except InvocationError as error:
            log.warning("%s failed: %s", function.name, _readable(error.stack or error.message))
            raise

    def _names(self, kind: str) -> Collection[str]:
        return [function.durable_name for function in self._by_durable_name[kind].values()]


async def _close_durable_client_session() -> None:
    # The SDK keeps one HTTP session per process and has no public function that closes it.
    http_utils = sys.modules.get("azure.durable_functions.models.utils.http_utils")
    if http_utils is not None:
        await http_utils._close_session()


def _readable(text: str) -> str:
    # The message of a failed orchestrator ends with all its actions, and its trace ends with that message.
    # The user's own error comes first, as the cause.
    before, label, _ = text.partition("$OutOfProcData$")
    if label:
        before, _, _ = before.partition(
            "\nThe above exception was the direct cause of the following exception:"
        )
    return before.rstrip()
