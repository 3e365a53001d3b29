"""Each output that can be located has links; no other one keeps the rest from having theirs."""

import threading
from typing import Any

import pytest

from batch import thread_pools
from batch.addresses import WorkspaceId
from batch.azure_ml import output_links
from batch.azure_ml.datastores import Datastore
from batch.azure_ml.output_links import links_of
from batch.azure_ml.rest import HttpError
from batch.errors import ErrorCode
from batch.settings import Settings
from tests.batch.builders import WORKSPACE_ID, settings

WORKSPACE = WorkspaceId(WORKSPACE_ID)
LAKE = Datastore("blob", "lake", "data", "core.windows.net", "")


class Known:
    """Datastores by name; the one of the name ``hangs…`` answers when ``released``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.released = threading.Event()
        monkeypatch.setattr(output_links, "known_datastores", self)

    def get(self, workspace: WorkspaceId, name: str, app: Settings) -> Datastore:
        assert workspace == WORKSPACE
        self.asked.append(name)
        if name.startswith("hangs"):
            self.released.wait(30)
        if name == "closed":
            raise HttpError(403, ErrorCode.ACCESS_DENIED, "It says no.")
        return LAKE


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Any:
    known = Known(monkeypatch)
    yield known
    known.released.set()


async def test_each_spelling_of_a_place_has_the_same_link(known: Known) -> None:
    long = WORKSPACE_ID.replace("/providers/Microsoft.MachineLearningServices", "")
    outputs = {
        "short": "azureml://datastores/lake/paths/out/r-1.csv",
        "long": f"azureml:/{long.replace('resourceGroups', 'resourcegroups')}/datastores/lake/paths/out/r-1.csv",
        "id": f"{WORKSPACE_ID}/datastores/lake/paths/out/r-1.csv",
    }
    links, problems = await links_of(outputs, WORKSPACE, settings(), 10)
    url = "https://lake.blob.core.windows.net/data/out/r-1.csv"
    assert links == {name: {"storage_url": url} for name in outputs}
    assert (problems, known.asked) == ([], ["lake"])


async def test_what_cannot_be_located_is_left_out(known: Known) -> None:
    outputs = {
        "asset": "azureml:heart:1",
        "elsewhere": f"{WORKSPACE_ID}2/datastores/lake/paths/a",
        "closed": "azureml://datastores/closed/paths/a",
        "hangs": "azureml://datastores/hangs/paths/a",
        "found": "azureml://datastores/lake/paths/a",
    }
    links, problems = await links_of(outputs, WORKSPACE, settings(), 0.2)
    assert set(links) == {"found"}
    assert sorted(known.asked) == ["closed", "hangs", "lake"]
    assert problems == ["It says no.", "Nothing was heard of the datastore hangs within 0.2 s."]


async def test_datastores_that_hang_take_no_thread_of_a_check(known: Known) -> None:
    outputs = {f"o{n}": f"azureml://datastores/hangs{n}/paths/a" for n in range(thread_pools.ACTIVITIES)}
    links, problems = await links_of(outputs, WORKSPACE, settings(), 0.2)
    assert (links, len(problems)) == ({}, len(outputs))
    assert thread_pools.azure_ml.submit(lambda: "answer").result(timeout=10) == "answer"


async def test_without_outputs_nobody_is_asked(known: Known) -> None:
    assert await links_of({}, WORKSPACE, settings(), 10) == ({}, [])
    assert known.asked == []
