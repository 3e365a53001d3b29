"""A thousand jobs at once cost little: no thread, no task, no poll for any of them."""

import asyncio
import ssl
import threading
import time

import aiohttp

from local.azure_ml import AzureMlService
from tests.local.azure_ml.api import Api
from tests.waiting import wait_for

COUNT = 1000


async def _invoke_many(api: Api, ca_bundle: str) -> list[str]:
    headers = api.ml() | {"azureml-model-deployment": "noop"}
    body = {
        "properties": {
            "InputData": {"x": {"JobInputType": "UriFolder", "Uri": "azureml://datastores/demo/paths/"}}
        }
    }
    connector = aiohttp.TCPConnector(limit=16, ssl=ssl.create_default_context(cafile=ca_bundle))
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def one() -> str:
            async with session.post(api.info.scoring_uri, json=body) as answer:
                assert answer.status == 201
                return str((await answer.json())["name"])

        names = await asyncio.gather(*(one() for _ in range(COUNT)))
    return list(names)


def test_a_thousand_jobs(service: AzureMlService, api: Api) -> None:
    hold = api.control.hold("Preparing")
    threads = threading.active_count()
    names = asyncio.run(_invoke_many(api, str(service.info.ca_bundle)))
    assert len(set(names)) == COUNT
    assert threading.active_count() <= threads + 4

    idle = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - idle < 0.1

    api.control.release(hold)

    def completed() -> bool:
        statuses = {job["name"]: job["status"] for job in api.control.jobs()}
        return all(statuses[name] == "Completed" for name in names)

    wait_for("the end of all jobs", completed)
