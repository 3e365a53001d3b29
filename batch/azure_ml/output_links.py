"""Where people and tools find the outputs of a job: each in the storage account of its datastore."""

import asyncio
from collections.abc import Mapping

from batch import thread_pools
from batch.addresses import WorkspaceId
from batch.azure_ml.datastores import Datastore, known_datastores
from batch.data_uri import DatastorePath, datastore_path_of
from batch.errors import RunError
from batch.run.steps import OutputLinks
from batch.settings import Settings

_PROVIDER = "/providers/microsoft.machinelearningservices"


async def links_of(
    outputs: Mapping[str, str], workspace: WorkspaceId, settings: Settings, seconds: float
) -> tuple[dict[str, OutputLinks], list[str]]:
    """The links of outputs by their names, and why others have none. Takes at most ``seconds``.

    An output in another workspace than ``workspace``, that of the job, is not looked up.
    """
    places = {
        name: place
        for name, uri in outputs.items()
        if (place := datastore_path_of(uri)) and _is_in(workspace, place)
    }
    found, problems = await _datastores(
        {place.datastore for place in places.values()}, workspace, settings, seconds
    )
    return {
        name: found[place.datastore].links(place.path, settings.cloud)
        for name, place in places.items()
        if place.datastore in found
    }, problems


async def _datastores(
    names: set[str], workspace: WorkspaceId, settings: Settings, seconds: float
) -> tuple[dict[str, Datastore], list[str]]:
    if not names:
        return {}, []
    run, read = thread_pools.datastores.run, known_datastores.get
    reads = {name: asyncio.ensure_future(run(read, workspace, name, settings)) for name in sorted(names)}
    await asyncio.wait(reads.values(), timeout=seconds)
    found, problems = {}, []
    for name, reading in reads.items():
        # A thread that hangs is left behind: what is given up here is only the wait for it.
        if reading.cancel():
            problems.append(f"Nothing was heard of the datastore {name} within {seconds:g} s.")
            continue
        try:
            found[name] = reading.result()
        except RunError as error:
            problems.append(error.message)
    return found, problems


def _is_in(workspace: WorkspaceId, place: DatastorePath) -> bool:
    """The short form names no workspace, and the long one may leave out the resource provider."""
    of_place, of_job = (text.casefold().replace(_PROVIDER, "") for text in (place.workspace, str(workspace)))
    return of_place in ("", of_job)
