"""What a run was asked for, with defaults filled in. What a caller may send: ``batch/api/request.py``."""

import hashlib
import json

from batch.stored import Stored


class Binding(Stored):
    """A named input or output of the job: ``type`` and ``uri``, or a literal ``value``."""

    type: str
    uri: str | None = None
    value: str | bool | int | float | None = None


class RunRequest(Stored):
    """Times are in seconds; ``on_timeout`` is ``cancel`` or ``leave``."""

    endpoint_uri: str
    inputs: dict[str, Binding]
    outputs: dict[str, Binding]
    deployment: str | None = None
    experiment: str | None = None
    poll_interval: int
    queue_timeout: int | None = None
    timeout: int
    on_timeout: str

    def fingerprint(self) -> str:
        """The same for requests that ask for exactly the same, and only for those.

        In Python 1, 1.0 and True are equal; in JSON they differ.
        """
        canonical = json.dumps(self.to_json(), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def output_uris(self) -> dict[str, str]:
        return {name: binding.uri for name, binding in self.outputs.items() if binding.uri}
