"""Settings of the deployment that hold for one job, as properties of the invoke body.

The names are those of azure-ai-ml 1.35 and of the service's model of 2020-09-01-dataplanepreview.
"""

from typing import Any

from batch.run.request import Overrides

_UNITS = ((86_400, "D"), (3_600, "H"), (60, "M"), (1, "S"))


def overridden(overrides: Overrides) -> dict[str, Any]:
    """Only what is overridden: all else stays as the deployment has it."""
    retry_timeout = overrides.retry_timeout
    return _given(
        miniBatchSize=overrides.mini_batch_size,
        maxConcurrencyPerInstance=overrides.max_concurrency_per_instance,
        errorThreshold=overrides.error_threshold,
        outputFileName=overrides.output_file_name,
        # The SDK adds isLocal, true where no compute is named. The model does not need it.
        compute=_given(instanceCount=overrides.instance_count) or None,
        retrySettings=_given(
            maxRetries=overrides.max_retries,
            timeout=_duration(retry_timeout) if retry_timeout else None,
        )
        or None,
    )


def _given(**properties: Any) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None}


def _duration(seconds: int) -> str:
    """As ISO 8601 has it: ``PT1M30S``, ``P1DT1H``."""
    counts = {}
    for size, unit in _UNITS:
        counts[unit], seconds = divmod(seconds, size)
    days = f"{counts.pop('D')}D" if counts["D"] else ""
    time = "".join(f"{count}{unit}" for unit, count in counts.items() if count)
    return f"P{days}" + (f"T{time}" if time else "")
