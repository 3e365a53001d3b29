"""What a run was asked for, with defaults filled in. What a caller may send: ``batch/api/request.py``."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self

from pydantic import Field

from batch.stored import Stored

_PLACE_AND_PATH = re.compile(
    r"(?P<place>azureml:.*?/paths/|https?://[^/]+/[^/]+/?|[^:/]+://[^/]+/?)(?P<path>.*)", re.DOTALL
)
"""A datastore, a container or another store, and what follows it."""

CANCEL_TIMEOUT = 1_800
"""Seconds that Azure ML may take to cancel a job, for a request that does not say: stopping nodes takes minutes."""


class Binding(Stored):
    """A named input or output of the job: ``type`` and ``uri``, or a literal ``value``.

    ``template`` is the URI of an output as it was asked for, if it held ``{run_id}``: a rerun fills it anew.
    ``by_default``: nobody asked for this output; the app chose it.
    """

    type: str
    uri: str | None = None
    value: str | bool | int | float | None = None
    template: str | None = None
    by_default: bool = False


class Overrides(Stored):
    """Settings of the deployment that hold for this job only; None leaves the deployment's own.

    ``retry_timeout`` is in seconds: how long one mini batch may take.
    """

    mini_batch_size: int | None = None
    instance_count: int | None = None
    max_concurrency_per_instance: int | None = None
    error_threshold: int | None = None
    max_retries: int | None = None
    retry_timeout: int | None = None
    output_file_name: str | None = None


class RunRequest(Stored):
    """Times are in seconds; ``on_timeout`` is ``cancel`` or ``leave``.

    ``cancel_timeout`` is how long Azure ML may take to cancel the job after somebody asked for it; None means
    CANCEL_TIMEOUT. ``job_attempts`` is how many jobs the run may submit in all, where one ends for a reason of
    ``retry_on`` (``preemption``, ``service``).
    """

    endpoint_uri: str
    inputs: dict[str, Binding]
    outputs: dict[str, Binding]
    deployment: str | None = None
    experiment: str | None = None
    poll_interval: int
    queue_timeout: int | None = None
    timeout: int
    on_timeout: str
    cancel_timeout: int | None = None
    overrides: Overrides | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    job_attempts: int = 1
    retry_on: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """The same for requests that ask for exactly the same, and only for those.

        In Python 1, 1.0 and True are equal; in JSON they differ.
        """
        canonical = json.dumps(self._as_asked(), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def _as_asked(self) -> dict[str, Any]:
        """The JSON of the request without what the app added to it.

        Versions before 1.4 added no output and kept no template: the fingerprints of their runs stay valid. So do
        those of runs that started before the app's default output was changed.
        """
        asked = {
            name: output.model_copy(update={"template": None})
            for name, output in self.outputs.items()
            if not output.by_default
        }
        return self.model_copy(update={"outputs": asked}).to_json()

    def with_inputs(self, uris: Mapping[str, str]) -> Self:
        """With other URIs of inputs, by their names."""
        inputs = {
            name: binding.model_copy(update={"uri": uris.get(name, binding.uri)})
            for name, binding in self.inputs.items()
        }
        return self.model_copy(update={"inputs": inputs})

    def of_job(self, job_attempt: int) -> Self:
        """What the run asks of this job of its own: each has outputs of its own, the first those that were asked for.

        A job that failed may have left a part of its output, and a job fails if its output is there.
        """
        if job_attempt == 1:
            return self
        outputs = {name: _output_of_job(output, job_attempt) for name, output in self.outputs.items()}
        return self.model_copy(update={"outputs": outputs})

    def time_to_cancel(self) -> timedelta:
        return timedelta(seconds=self.cancel_timeout or CANCEL_TIMEOUT)

    def output_uris(self) -> dict[str, str]:
        return {name: binding.uri for name, binding in self.outputs.items() if binding.uri}


def _output_of_job(output: Binding, job_attempt: int) -> Binding:
    """Its file or folder, in a folder of this attempt beside that of the first one."""
    match = _PLACE_AND_PATH.fullmatch(output.uri or "")
    if match is None:
        return output
    place, path = match["place"], match["path"]
    place = place if place.endswith("/") else f"{place}/"
    folders, _, last = path.rstrip("/").rpartition("/")
    end = "/" if path.endswith("/") else ""
    parts = [part for part in (folders, f"attempt-{job_attempt}", last) if part]
    return output.model_copy(update={"uri": f"{place}{'/'.join(parts)}{end}"})
