"""Indexes an app (programming model v2) through the core of the production Python worker."""

import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime
from azure.functions._durable_functions import df_loads

from functions_host.worker import protos
from functions_host.worker.functions import FunctionDefinition, function_definition

core: Any = azure_functions_runtime

CORE_LOGGER = "azure.functions"
_DURABLE_LOGGER = "azure.functions.DurableFunctions"

# The functions of the app, by its folder. A process can load one app only, so there is at most one entry.
_indexed: dict[Path, Sequence[FunctionDefinition]] = {}


class IndexingError(Exception):
    """The app cannot be indexed. The text is the reason that the worker gives."""

    def __init__(self, reason: str, stack: str = "") -> None:
        super().__init__(reason)
        self.stack = stack


async def indexed_functions(app_dir: Path) -> Sequence[FunctionDefinition]:
    """Imports and indexes the app. Raises IndexingError with the reason the production worker gives.

    ``app_dir`` is absolute; it becomes the current directory and ``sys.path[0]``, as in Azure. The core keeps
    the index in module state: a host that stops and starts again uses the same index, and an app in another
    folder needs another process (RuntimeError).
    """
    for known_dir, functions in _indexed.items():
        if known_dir != app_dir:
            raise RuntimeError(
                f"This process has loaded the app in {known_dir}; start another for {app_dir}."
            )
        return functions
    script = os.environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    if not (app_dir / script).is_file():
        raise IndexingError(f"There is no {script} in {app_dir} (v1 apps with function.json are not served).")
    _silence_one_time_warnings()
    os.chdir(app_dir)
    sys.path.insert(0, str(app_dir))
    _indexed[app_dir] = await _index(app_dir)
    return _indexed[app_dir]


async def _index(app_dir: Path) -> Sequence[FunctionDefinition]:
    core_log = logging.getLogger(CORE_LOGGER)
    level = core_log.level
    if not core_log.isEnabledFor(logging.INFO):
        # The core logs an import error twice, with the whole sys.path; IndexingError has the reason.
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


def _silence_one_time_warnings() -> None:
    """Causes the SDK's warning about untyped JSON here, where it is not shown; an app cannot prevent it.

    The SDK gives this warning once per process.
    """
    durable_log = logging.getLogger(_DURABLE_LOGGER)
    was_disabled, durable_log.disabled = durable_log.disabled, True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        df_loads("null")
    durable_log.disabled = was_disabled
