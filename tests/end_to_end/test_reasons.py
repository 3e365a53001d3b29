"""The reason of a run that did not complete reaches its caller, although the Functions host cuts parts of texts."""

from typing import Any
from urllib.parse import unquote

import pytest

from batch.redaction import redact
from local.azure_ml import ControlClient
from tests.end_to_end.harness import App

FOLDERS = ["key=1", "customer_key=42", "pwd=x/Server=y", "Token=a", "Data Source=b", "a&code=1", "Password=c"]


def durable_reason(app: App, run_id: str) -> str:
    status = app.durable_status(run_id)
    assert status["runtimeStatus"] == "Failed"
    return str(status["output"])


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("field", ["endpoint_input_uri", "endpoint_output_uri"])
def test_a_reason_with_a_folder_whose_name_looks_like_a_secret_is_whole(
    app: App, field: str, folder: str
) -> None:
    missing = {
        "endpoint_input_uri": f"azureml://datastores/samples/paths/no-such/{folder.replace(' ', '%20')}/"
    }
    output = f"azureml://datastores/workspaceblobstore/paths/{{run_id}}/{folder.replace(' ', '%20')}/out.csv"
    elsewhere = {
        "endpoint_input_uri": "azureml://datastores/samples/paths/no-such-folder/",
        "endpoint_output_uri": output,
    }
    run_id = app.start(**(missing if field == "endpoint_input_uri" else elsewhere))
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["error"]["code"]) == ("Failed", "job_failed")
    assert view["job"]["status"] == "Failed"
    assert view["job"]["name"] in view["error"]["message"]
    said = f"{view['error']['message']} What to do: {view['error']['advice']} [job_failed]"
    assert unquote(durable_reason(app, run_id)).endswith(unquote(said))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_reason_that_quotes_a_message_with_such_a_name_is_whole(
    app: App, control: ControlClient, folder: str
) -> None:
    refusal: dict[str, Any] = {
        "status": 400,
        "body": "text",
        "text": f"The path \"{folder}/\" is 'not' there.",
    }
    control.fault("invoke", "answer", **refusal)
    run_id = app.start()
    view = app.wait_for_end(run_id)

    assert (view["phase"], view["error"]["code"]) == ("Failed", "request_rejected")
    # The app itself removes what follows some of these names, such as a password.
    said = redact(refusal["text"])
    assert said in view["error"]["message"]
    assert said in unquote(durable_reason(app, run_id))
