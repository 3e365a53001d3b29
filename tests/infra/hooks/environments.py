"""Environments of azd, as the checks before a deployment see them."""

import json

from infra.hooks.environment import PARAMETERS, completed
from tests.infra.hooks.stub_azure import ROOT

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
OTHER_SUBSCRIPTION = "99999999-2222-3333-4444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/ml"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/churn"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/lake"
GIVEN = {
    "AZURE_ENV_NAME": "demo",
    "AZURE_LOCATION": "westeurope",
    "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    "AZURE_ML_WORKSPACE_ID": WORKSPACE,
    "BATCH_ENDPOINT_URI": "https://churn.westeurope.inference.ml.azure.com/jobs",
}
AS_SERVICE_PRINCIPAL = {
    "BATCH_IDENTITY": "ServicePrincipal",
    "BATCH_TENANT_ID": "aaaaaaaa-2222-3333-4444-555555555555",
    "BATCH_CLIENT_ID": "bbbbbbbb-2222-3333-4444-555555555555",
    "BATCH_OBJECT_ID": "cccccccc-2222-3333-4444-555555555555",
}


def environment(**changed: str) -> dict[str, str]:
    parameters = json.loads((ROOT / PARAMETERS).read_text())["parameters"]
    return completed({**GIVEN, **changed}, parameters, {})


def system_topic(name: str, group: str = "other", subscription: str = SUBSCRIPTION) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.EventGrid/systemTopics/{name}"
