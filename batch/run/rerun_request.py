"""What a run is started with that repeats another one: its id, and the same request with outputs of its own."""

import re

from batch.data_uri import MAX_URI_LENGTH, RUN_ID_PLACEHOLDER, word_of
from batch.run.request import Binding, RunRequest

MAX_RUN_ID_LENGTH = 100
"""Characters, as for a request."""
MAX_NUMBER = 999
"""The last rerun that a run can have."""

_BASE_LENGTH = MAX_RUN_ID_LENGTH - len(f".{MAX_NUMBER}")
_BEFORE_THE_PATH = re.compile(r"(?:azureml:|/).*?/paths/|[a-z]+://[^/]*/", re.IGNORECASE)


class NotRepeatable(Exception):
    """The same request can start no other run. The text says why, and what to do."""


def rerun_prefix(first_run: str) -> str:
    """The begin of the ids of all reruns of ``first_run``."""
    return f"{first_run[:_BASE_LENGTH]}."


def rerun_id(first_run: str, number: int) -> str:
    """Numbers begin with 2: the first run is number 1. Raises NotRepeatable after the last number."""
    if number > MAX_NUMBER:
        raise NotRepeatable(
            f"Run {first_run} was run again too often: there is no number after {MAX_NUMBER}. Start a new run with a"
            " request of your own."
        )
    return f"{rerun_prefix(first_run)}{number}"


def number_of(run_id: str, first_run: str) -> int:
    """The number of a run among ``first_run`` and its reruns."""
    return 1 if run_id == first_run else int(run_id.rpartition(".")[2])


def repeated(request: RunRequest, run_id: str, new_id: str) -> RunRequest:
    """The request of run ``run_id`` for the run ``new_id``. Raises NotRepeatable if both had the same output."""
    outputs = {name: _output(name, each, run_id, new_id) for name, each in request.outputs.items()}
    return request.model_copy(update={"outputs": outputs})


def _output(name: str, output: Binding, run_id: str, new_id: str) -> Binding:
    if output.uri is None:
        return output
    template = output.template or _template_of(output.uri, run_id)
    if RUN_ID_PLACEHOLDER not in template:
        raise NotRepeatable(
            f"The output {name} of run {run_id} does not hold its run id, so the new run would write to the place"
            " where the old one may have written, and which must not exist yet. Start a new run with a request of"
            " your own, whose output holds {run_id}."
        )
    uri = template.replace(RUN_ID_PLACEHOLDER, new_id)
    if len(uri) > MAX_URI_LENGTH:
        raise NotRepeatable(
            f"The output {name} of run {run_id} would be longer than {MAX_URI_LENGTH} characters with the new run"
            " id in it. Start a new run with a request of your own."
        )
    return output.model_copy(update={"uri": uri, "template": template})


def _template_of(uri: str, run_id: str) -> str:
    """As the output may have been asked for. Versions before 1.4 did not keep it.

    Only the path counts: a datastore or a host may have the name of a run.
    """
    start = _BEFORE_THE_PATH.match(uri)
    before = start.group() if start else ""
    return before + word_of(run_id).sub(RUN_ID_PLACEHOLDER, uri[len(before) :])
