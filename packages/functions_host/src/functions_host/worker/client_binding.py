"""The URLs of the management API: the ``durableClient`` binding value and the check-status payload."""

import json
from urllib.parse import quote

WEBHOOK_PATH = "/runtime/webhooks/durabletask"
_CONNECTION = "Storage"
_INSTANCE_PLACEHOLDER = "INSTANCEID"


def management_urls(origin: str, hub_name: str, instance_id: str) -> dict[str, str]:
    """The payload of a 202 answer to a start: ``id`` and the URLs of that instance below ``origin``.

    durable-functions behaviour: the URL to rewind is absent; only durable clients get it.
    """
    urls = _urls(origin, hub_name, quote(instance_id, safe="@:"))
    del urls["rewindPostUri"]
    return {"id": instance_id, **urls}


def durable_client_value(origin: str, hub_name: str) -> str:
    """The JSON text from which the SDK makes a durable client.

    durable-functions behaviour: the client replaces the placeholder id as plain text, appends paths to
    ``rpcBaseUrl`` without adding a slash, and needs ``taskHubName``, ``creationUrls``, ``managementUrls``.
    These URLs have no key (``code=``): this host requires none, like the Core Tools.
    """
    base = f"{origin}{WEBHOOK_PATH}"
    creation = f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]"
    urls = _urls(origin, hub_name, _INSTANCE_PLACEHOLDER)
    return json.dumps(
        {
            "taskHubName": hub_name,
            "connectionName": None,
            "creationUrls": {
                "createNewInstancePostUri": creation,
                "createAndWaitOnNewInstancePostUri": (
                    f"{creation}?timeout={{timeoutInSeconds}}&pollingInterval={{intervalInSeconds}}"
                ),
            },
            "managementUrls": {"id": _INSTANCE_PLACEHOLDER, **urls},
            "baseUrl": base,
            "requiredQueryStringParameters": "",
            "rpcBaseUrl": f"{base}/",
            "httpBaseUrl": None,
        }
    )


def _urls(origin: str, hub_name: str, path_segment: str) -> dict[str, str]:
    instance = f"{origin}{WEBHOOK_PATH}/instances/{path_segment}"
    query = f"taskHub={quote(hub_name)}&connection={_CONNECTION}"
    return {
        "statusQueryGetUri": f"{instance}?{query}",
        "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{instance}/terminate?reason={{text}}&{query}",
        "rewindPostUri": f"{instance}/rewind?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{instance}?{query}",
        "restartPostUri": f"{instance}/restart?{query}",
        "suspendPostUri": f"{instance}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{instance}/resume?reason={{text}}&{query}",
    }
