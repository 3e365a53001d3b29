"""A fake task hub over HTTP; it lists instances as the Durable extension does."""

import base64
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import azure.durable_functions as df

from batch.names import BATCH_RUN
from batch.run.phases import ENDED_RUNTIME_STATUSES

TOKEN = "x-ms-continuation-token"
KEY = "s3cr3t-key-of-the-management-api=="
QUERY = f"taskHub=h&connection=Storage&code={KEY}"
TROUBLE = {
    "Message": "Something went wrong while processing your request",
    "ExceptionMessage": "The storage account is not reachable",
    "ExceptionType": "System.Exception",
    "StackTrace": "",
}


def instance(instance_id: str, **fields: Any) -> dict[str, Any]:
    """An instance: a completed run, changed by ``fields``."""
    return {
        "name": BATCH_RUN,
        "version": "1.0",
        "instanceId": instance_id,
        "runtimeStatus": "Completed",
        "input": None,
        "customStatus": None,
        "output": None,
        "createdTime": "2026-01-31T12:00:00Z",
        "lastUpdatedTime": "2026-01-31T12:30:00.1234567Z",
        **fields,
    }


def entity(name: str, key: str, state: object = None) -> dict[str, Any]:
    """An entity as an instance. A deleted entity has the state null and stays Running."""
    instance_id = f"@{name}@{key}"
    return {
        "name": instance_id,
        "instanceId": instance_id,
        "runtimeStatus": "Running",
        "input": {"exists": state is not None, "state": json.dumps(state), "sorter": {}},
        "customStatus": {"entityExists": True},
        "output": None,
        "createdTime": "2026-01-31T12:00:00Z",
        "lastUpdatedTime": "2026-01-31T12:00:00Z",
    }


class TaskHub:
    """``unknown_token`` is the HTTP status for an unknown token; the instance ``stuck`` cannot be purged.

    ``list_tokens`` keeps the token header of each list request, byte for byte, ``list_keys`` its key and the task hub
    that it names; ``posted`` the path of each event and signal; ``asked`` the id of each instance or entity that was
    read. ``started`` are the ids with which ``start`` made an instance, again if it replaced one; ``terminated``
    those that somebody asked to terminate. If the hub is ``deaf``, they go on. ``now`` is the time of new instances.
    Requests of the methods in ``failing`` are answered 500. ``binding`` is what the host gives to a client function,
    while the hub is served.
    """

    def __init__(
        self, instances: Iterable[dict[str, Any]], *, unknown_token: int = 200, stuck: str | None = None
    ) -> None:
        self.instances = {one["instanceId"]: one for one in instances}
        self.unknown_token = unknown_token
        self.stuck = stuck
        self.list_tokens: list[str | None] = []
        self.list_keys: list[tuple[str | None, str | None]] = []
        self.posted: list[str] = []
        self.asked: list[str] = []
        self.started: list[str] = []
        self.terminated: list[str] = []
        self.deaf = False
        self.failing: set[str] = set()
        self.now = "2026-01-31T12:00:00Z"
        self.binding = ""

    def clear(self) -> None:
        """No instances, and nothing was asked."""
        noted = (self.list_tokens, self.list_keys, self.posted, self.asked, self.started, self.terminated)
        for kept in (self.instances, self.failing, *noted):
            kept.clear()

    @contextmanager
    def served(self) -> Iterator[df.DurableOrchestrationClient]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        management = {"id": "INSTANCEID", "statusQueryGetUri": f"{url}instances/INSTANCEID?{QUERY}"}
        urls = {"rpcBaseUrl": url, "creationUrls": {}, "managementUrls": management}
        self.binding = json.dumps({"taskHubName": "h", **urls})
        try:
            yield df.DurableOrchestrationClient(self.binding)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def page(self, params: dict[str, str], token: str | None) -> tuple[int, list[dict[str, Any]], str]:
        """Status, instances in order of id, and the token of the next page, which is empty on the last."""
        self.list_tokens.append(token)
        start = ""
        if token:
            start = _start(token)
            if start not in self.instances:
                return self.unknown_token, [], ""
        found = [one for _, one in sorted(self.instances.items()) if _is_wanted(one, params)]
        found = [one for one in found if one["instanceId"] >= start]
        top = int(params["top"])
        return 200, found[:top], _token(found[top]["instanceId"]) if len(found) > top else ""

    def state(self, name: str, key: str) -> tuple[int, object]:
        """durable-functions behaviour: a deleted entity has the state null; it is not a 404."""
        found = self.instances.get(f"@{name}@{key}")
        return (200, json.loads(found["input"]["state"])) if found else (404, "")

    def start(self, name: str, instance_id: str, value: object) -> tuple[int, object]:
        """durable-functions behaviour: an instance that has ended is replaced, and one that is just being made."""
        found = self.instances.get(instance_id)
        goes_on = found and found["runtimeStatus"] not in ENDED_RUNTIME_STATUSES
        if found and goes_on and found["createdTime"] != self.now:
            status = found["runtimeStatus"]
            return 409, {"Message": f"An Orchestration instance with the status {status} already exists."}
        times = {"createdTime": self.now, "lastUpdatedTime": self.now}
        self.instances[instance_id] = instance(
            instance_id, name=name, runtimeStatus="Pending", input=value, **times
        )
        self.started.append(instance_id)
        return 202, {"id": instance_id}

    def terminate(self, instance_id: str, reason: str) -> tuple[int, object]:
        found = self.instances.get(instance_id)
        if found is None or found["runtimeStatus"] in ENDED_RUNTIME_STATUSES:
            return (410 if found else 404), ""
        self.terminated.append(instance_id)
        if not self.deaf:
            found.update(runtimeStatus="Terminated", output=reason, lastUpdatedTime=self.now)
        return 202, ""

    def purge(self, instance_id: str) -> tuple[int, object]:
        if instance_id == self.stuck:
            return 500, {"Message": "It is locked."}
        gone = self.instances.pop(instance_id, None)
        return (200, {"instancesDeleted": 1}) if gone else (404, "")


def _token(instance_id: str) -> str:
    """durable-functions behaviour: the second half, the row key, is empty."""
    return base64.b64encode(instance_id.encode()).decode() + " "


def _start(token: str) -> str:
    try:
        return base64.b64decode(token.removesuffix(" "), validate=True).decode()
    except ValueError:
        return "nowhere"


def _is_wanted(one: dict[str, Any], params: dict[str, str]) -> bool:
    statuses = params.get("runtimeStatus", "")
    return one["instanceId"].startswith(params.get("instanceIdPrefix", "")) and (
        not statuses or one["runtimeStatus"] in statuses.split(",")
    )


def _handler(hub: TaskHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            if "GET" in hub.failing:
                self._answer(500, TROUBLE)
                return
            address = urlsplit(self.path)
            query = dict(parse_qsl(address.query))
            match unquote(address.path).split("/"):
                case ["", "entities", name, key]:
                    hub.asked.append(f"@{name}@{key}")
                    self._answer(*hub.state(name, key))
                case ["", "instances", ""]:
                    hub.list_keys.append((self.headers.get("x-functions-key"), query.get("taskHub")))
                    status, page, token = hub.page(query, self.headers.get(TOKEN))
                    self._answer(status, page, {TOKEN: token})
                case ["", "instances", instance_id]:
                    hub.asked.append(instance_id)
                    found = hub.instances.get(instance_id)
                    if found and query.get("showInput", "").lower() == "false":
                        found = {**found, "input": None}
                    self._answer(200 if found else 404, found or "")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            address = urlsplit(self.path)
            path = unquote(address.path)
            if "POST" in hub.failing:
                self._answer(500, TROUBLE)
                return
            match path.split("/"):
                case ["", "orchestrators", name, instance_id]:
                    self._answer(*hub.start(name, instance_id, json.loads(body)))
                case ["", "instances", instance_id, "terminate"]:
                    self._answer(*hub.terminate(instance_id, dict(parse_qsl(address.query))["reason"]))
                case _:
                    hub.posted.append(path)
                    self._answer(202, "")

        def do_DELETE(self) -> None:
            self._answer(*hub.purge(unquote(urlsplit(self.path).path.removeprefix("/instances/"))))

        def _answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
            text = b"" if body == "" else json.dumps(body).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler
