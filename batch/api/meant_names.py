"""What a caller probably meant by a name that is no field: names of other APIs, spellings and typing errors."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from batch.api.request_fields import BatchRunRequest, JobInput, JobOutput, JobOverrides

_LIKENESS = 0.75
"""Of 0 to 1. Words that are less alike have nothing to do with each other."""
_APP_SETTINGS = {
    "tenant": "AZURE_TENANT_ID",
    "tenantid": "AZURE_TENANT_ID",
    "clientid": "AZURE_CLIENT_ID",
    "clientsecret": "AZURE_CLIENT_SECRET",
    "azuretenantid": "AZURE_TENANT_ID",
    "azureclientid": "AZURE_CLIENT_ID",
    "azureclientsecret": "AZURE_CLIENT_SECRET",
}
_OVERRIDES = {
    **{name.replace("_", ""): f"overrides.{name}" for name in JobOverrides.model_fields},
    "compute": "overrides.instance_count",
    "nodecount": "overrides.instance_count",
    "instances": "overrides.instance_count",
    "retrysettings": "overrides.max_retries and overrides.retry_timeout",
    "appendrowfilename": "overrides.output_file_name",
}
_IN_REQUEST = {
    **_OVERRIDES,
    **dict.fromkeys(("data", "input", "inputpath", "inputuri", "path", "uri"), "endpoint_input_uri"),
    **dict.fromkeys(("inputtype", "jobinputtype", "type"), "endpoint_input_type"),
    **dict.fromkeys(("output", "outputpath", "outputuri"), "endpoint_output_uri"),
    **dict.fromkeys(("endpoint", "endpointurl", "scoringuri", "scoringurl", "url"), "endpoint_uri"),
    **dict.fromkeys(("azuremlmodeldeployment", "deploymentname", "modeldeployment"), "deployment"),
    **dict.fromkeys(("displayname", "id", "instanceid", "jobname", "name", "runname"), "run_id"),
    **dict.fromkeys(("interval", "pollfrequency", "pollinginterval"), "poll_interval"),
    "experimentname": "experiment",
    "idempotencykey": "run_id",
    "inputdata": "inputs",
    "joboutputtype": "the type of an output in outputs",
    "labels": "tags",
    "outputdata": "outputs",
}
_IN_BINDING = {
    **dict.fromkeys(("jobinputtype", "joboutputtype", "kind"), "type"),
    **dict.fromkeys(("datauri", "path", "url"), "uri"),
    **dict.fromkeys(("default", "literal"), "value"),
}
_IN_OVERRIDES = {name: meant.replace("overrides.", "") for name, meant in _OVERRIDES.items()} | {
    "maxconcurrency": "max_concurrency_per_instance",
    "timeout": "retry_timeout",
}


def unknown_name(path: tuple[str | int, ...]) -> str:
    """What is wrong with the last name of ``path``."""
    name = _folded(str(path[-1]))
    if len(path) == 1:
        if setting := _APP_SETTINGS.get(name):
            return f"is not sent with a request: it is the app setting {setting}, so leave it out"
        if name == "properties":
            return (
                "is the body of Azure ML's own endpoint: send endpoint_input_uri and endpoint_output_uri here, or"
                ' inputs such as {"<name>": {"type": "UriFolder", "uri": "azureml://…"}}'
            )
        return _unknown(name, BatchRunRequest.model_fields, _IN_REQUEST)
    if path[0] == "overrides":
        return _unknown(name, JobOverrides.model_fields, _IN_OVERRIDES)
    fields = JobInput.model_fields if path[0] == "inputs" else JobOutput.model_fields
    return _unknown(name, fields, _IN_BINDING) + f" (it has {', '.join(fields)})"


def _unknown(name: str, fields: Iterable[str], elsewhere: Mapping[str, str]) -> str:
    known = {**elsewhere, **{_folded(field): field for field in fields}}
    alike = [name] if name in known else get_close_matches(name, known, 1, _LIKENESS)
    return "is not a known field" + (f"; did you mean {known[alike[0]]}?" if alike else "")


def _folded(name: str) -> str:
    """Names that differ in capital letters and signs only are the same here."""
    return "".join(character for character in name.casefold() if character.isalnum())
