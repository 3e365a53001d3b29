"""A client of the emulated Azure ML, with plain requests."""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from local.azure_ml import AzureMlService

API_VERSION = "2025-12-01"
SAMPLES = Path(__file__).parents[3] / "samples"


def folder_input(uri: str) -> dict[str, Any]:
    return {"InputData": {"data": {"JobInputType": "UriFolder", "Uri": uri}}}


class Api:
    """Signed in as one service principal (by secret)."""

    def __init__(self, service: AzureMlService, principal: str = "runner") -> None:
        self.info = service.info
        self.control = service.control
        self.principal = self.info.principals[principal]
        self.session = requests.Session()
        self.session.verify = str(self.info.ca_bundle)
        # REQUESTS_CA_BUNDLE of the environment would override ``verify``.
        self.session.trust_env = False

    @cache  # noqa: B019 - an Api lives as long as its test
    def token(self, audience: str) -> str:
        answer = self.session.post(
            f"{self.info.authority_host}{self.info.tenant_id}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": self.principal.client_id,
                "client_secret": self.principal.client_secret,
                "scope": f"{audience}/.default",
            },
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def ml(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(self.info.ml_audience)}"}

    def arm(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(self.info.arm_audience)}"}

    def invoke(
        self,
        uri: str = "azureml://datastores/demo/paths/",
        output: str | None = None,
        deployment: str | None = None,
        timeout: float = 10,
        properties: Mapping[str, Any] | None = None,
    ) -> requests.Response:
        """Starts a job over a folder; ``properties`` replaces the whole body."""
        body = folder_input(uri)
        if output is not None:
            body["OutputData"] = {"score": {"JobOutputType": "UriFile", "Uri": output}}
        headers = self.ml() | ({"azureml-model-deployment": deployment} if deployment else {})
        return self.session.post(
            self.info.scoring_uri,
            headers=headers,
            json={"properties": body if properties is None else properties},
            timeout=timeout,
            allow_redirects=False,
        )

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Sends an invoke; the client disconnects at the end of the block, answered or not."""
        body = json.dumps({"properties": folder_input("azureml://datastores/demo/paths/")})
        endpoint = urlsplit(self.info.scoring_uri)
        tls = ssl.create_default_context(cafile=self.info.ca_bundle)
        with closing(HTTPSConnection(endpoint.netloc, context=tls, timeout=10)) as client:
            headers = {"Content-Type": "application/json", "azureml-model-deployment": "noop"}
            client.request("POST", endpoint.path, body, self.ml() | headers)
            yield

    def started(self, **kwargs: Any) -> str:
        answer = self.invoke(**kwargs)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["name"])

    def get_job(self, name: str) -> requests.Response:
        return self.session.get(f"{self.info.scoring_uri}/{name}", headers=self.ml(), timeout=10)

    def jobs_url(self, rest: str = "") -> str:
        return f"{self.info.arm_url}{self.info.workspace_resource_id}/jobs{rest}"

    def arm_get(self, name: str) -> requests.Response:
        return self._arm("GET", f"/{name}")

    def list_jobs(self, **query: str) -> requests.Response:
        return self._arm("GET", "", **query)

    def cancel(self, name: str) -> requests.Response:
        return self._arm("POST", f"/{name}/cancel")

    def read_in_workspace(self, rest: str) -> requests.Response:
        url = f"{self.info.arm_url}{self.info.workspace_resource_id}{rest}"
        return self.session.get(url, params={"api-version": API_VERSION}, headers=self.arm(), timeout=10)

    def follow(self, url: str) -> requests.Response:
        return self.session.get(url, headers=self.arm(), timeout=10)

    def _arm(self, method: str, rest: str, **query: str) -> requests.Response:
        return self.session.request(
            method,
            self.jobs_url(rest),
            params={"api-version": API_VERSION, **query},
            headers=self.arm(),
            timeout=10,
        )
