"""Settings of the deployment in the body of an invoke, which hold for one job."""

import re
from collections.abc import Mapping

from local.azure_ml.jobs.job import Overrides
from local.azure_ml.workspace.invalid import InvalidRequest

_DURATION = re.compile(
    r"P(?=.)(?:[0-9]+D)?(?:T(?=.)(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?)?", re.ASCII
)
_FILE = re.compile(r"[^/\\\x00-\x1f]{1,255}")


def overrides(properties: Mapping[str, object]) -> Overrides:
    """From properties whose names are in lower case. Raises InvalidRequest."""
    compute = _inner(properties, "compute")
    retries = _inner(properties, "retrysettings")
    return Overrides(
        mini_batch_size=_number(properties, "miniBatchSize", 1),
        instance_count=_number(compute, "instanceCount", 1),
        max_concurrency_per_instance=_number(properties, "maxConcurrencyPerInstance", 1),
        error_threshold=_number(properties, "errorThreshold", -1),
        max_retries=_number(retries, "maxRetries", 0),
        retry_timeout=_text(retries, "timeout", _DURATION, "a duration of ISO 8601"),
        output_file_name=_text(properties, "outputFileName", _FILE, "the name of a file"),
    )


def _inner(properties: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = properties.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidRequest(f"The {name} field must be an object.")
    return {inner.lower(): each for inner, each in value.items()}


def _number(fields: Mapping[str, object], name: str, least: int) -> int | None:
    value = fields.get(name.lower())
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**31:
        raise InvalidRequest(f"The {name} field must be a whole number of at least {least}.")
    return value


def _text(fields: Mapping[str, object], name: str, form: re.Pattern[str], what: str) -> str | None:
    value = fields.get(name.lower())
    if value is None:
        return None
    if not isinstance(value, str) or not form.fullmatch(value):
        raise InvalidRequest(f"The {name} field must be {what}.")
    return value
