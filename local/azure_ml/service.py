"""The whole emulator in one process: six servers on loopback, run by a thread of the service."""

import asyncio
import ssl
import threading
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from local.azure_ml.config import ServiceConfig
from local.azure_ml.entra.identities import Material, load_or_create
from local.azure_ml.entra.managed_identity import ManagedIdentity
from local.azure_ml.entra.token_endpoints import Entra
from local.azure_ml.entra.tokens import TokenAuthority
from local.azure_ml.info import ServiceInfo
from local.azure_ml.jobs.engine import Announce, JobEngine
from local.azure_ml.jobs.job import Job
from local.azure_ml.jobs.scoring import Scorer
from local.azure_ml.jobs.storage import Storage
from local.azure_ml.jobs.store import JobStore
from local.azure_ml.loopback import open_on_loopback
from local.azure_ml.server import EmulatedServer
from local.azure_ml.testing.control import Control
from local.azure_ml.testing.control_client import ControlClient
from local.azure_ml.testing.faults import Body, Faults
from local.azure_ml.testing.request_log import RequestLog
from local.azure_ml.workspace.arm import ResourceManager
from local.azure_ml.workspace.endpoint import BatchEndpoint
from local.azure_ml.workspace.events import job_events
from local.azure_ml.workspace.run_history import RunHistory

_Emulated = Entra | ManagedIdentity | BatchEndpoint | ResourceManager | RunHistory


class AzureMlService:
    """``with AzureMlService(config) as service:`` or ``start()`` and ``stop()``; then see ``info`` and ``control``.

    ``start`` raises OSError if a port is in use. Usable from any thread or event loop: the servers run in a
    thread of their own.
    """

    def __init__(self, config: ServiceConfig) -> None:
        self._config = replace(
            config,
            state=config.state.resolve(),
            datastores={name: folder.resolve() for name, folder in config.datastores.items()},
        )
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._info: ServiceInfo | None = None

    @property
    def info(self) -> ServiceInfo:
        if self._info is None:
            raise RuntimeError("the service has not been started")
        return self._info

    @property
    def control(self) -> ControlClient:
        return ControlClient(self.info.control_url)

    def start(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="azure-ml", daemon=True)
        self._thread.start()
        try:
            self._ready.wait()
        except KeyboardInterrupt:
            self._ready.wait()
            self.stop()
            raise
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def stop(self) -> None:
        if self._thread is None or self._loop is None or self._stop is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with AsyncExitStack() as stack:
            self._info = await _open(self._config, stack)
            self._ready.set()
            await self._stop.wait()


async def _open(config: ServiceConfig, stack: AsyncExitStack) -> ServiceInfo:
    """Starts everything; ``stack`` stops it in reverse order."""
    config.state.mkdir(parents=True, exist_ok=True)
    datastores = {"workspaceblobstore": config.state / "workspaceblobstore", **config.datastores}
    datastores["workspaceblobstore"].mkdir(parents=True, exist_ok=True)
    material = load_or_create(config.state, config.principals)
    tokens = TokenAuthority(material.signing_key, config.workspace.tenant_id, config.token_lifetime)
    audiences = (config.ml_audience, config.arm_audience)

    store = JobStore(config.state / "jobs.db")
    stack.callback(store.close)
    storage = Storage(config.workspace, datastores, config.storage, config.assets)
    scorer = Scorer(config.state / "jobs", storage, config.deployments)
    engine = JobEngine(config, store, scorer, _announcer(config))
    await engine.start()
    stack.push_async_callback(engine.stop)

    faults, log = Faults(), RequestLog()
    entra = Entra(config.workspace.tenant_id, material.principals, audiences, tokens)
    identity = ManagedIdentity(material.identity_header, material.principals, audiences, tokens)
    endpoint = BatchEndpoint(config, engine, material.principals, tokens)
    arm = ResourceManager(config, engine, material.principals, tokens)
    history = RunHistory(config, engine, scorer, material.principals, tokens)
    ports = config.ports

    async def serve(
        name: str,
        service: _Emulated,
        default_body: Body,
        port: int,
        tls: ssl.SSLContext | None,
    ) -> str:
        server = EmulatedServer(name, service.routes(), service.not_found, default_body, faults, log)
        return await open_on_loopback(server.application(), port, tls, stack)

    entra_url = await serve("entra", entra, "entra", ports.entra, material.tls)
    identity_url = await serve("identity", identity, "identity", ports.identity, None)
    endpoint_url = await serve("endpoint", endpoint, "envelope-b", ports.endpoint, material.tls)
    arm_url = await serve("arm", arm, "envelope-a", ports.arm, material.tls)
    history_url = await serve("history", history, "envelope-b", ports.history, material.tls)
    control = Control(faults, engine, scorer, log)
    control_url = await open_on_loopback(control.application(), ports.control, None, stack)
    stack.callback(faults.clear)

    entra.base_url, arm.base_url, endpoint.frontend_url = entra_url, arm_url, arm_url
    history.base_url = history_url
    arm.tracking_host = endpoint.tracking_host = history_url.removeprefix("https://")
    tokens.issuer = f"{entra_url}/{config.workspace.tenant_id}/"
    return _info(config, material, entra_url, identity_url, endpoint_url, arm_url, history_url, control_url)


def _announcer(config: ServiceConfig) -> Announce:
    """Publishes the events of a job's new status, if the service is configured to."""
    deployments = {deployment.name: deployment for deployment in config.deployments}

    def announce(job: Job) -> None:
        if config.publish is not None:
            for event in job_events(job, config.workspace, deployments.get(job.deployment)):
                config.publish(event)

    return announce


def _info(
    config: ServiceConfig,
    material: Material,
    entra_url: str,
    identity_url: str,
    endpoint_url: str,
    arm_url: str,
    history_url: str,
    control_url: str,
) -> ServiceInfo:
    workspace = config.workspace
    return ServiceInfo(
        authority_host=f"{entra_url}/",
        identity_endpoint=f"{identity_url}/msi/token",
        scoring_uri=f"{endpoint_url}/jobs",
        arm_url=arm_url,
        run_history_url=history_url,
        control_url=control_url,
        ca_bundle=material.ca_bundle,
        ml_audience=config.ml_audience,
        arm_audience=config.arm_audience,
        tenant_id=workspace.tenant_id,
        subscription_id=workspace.subscription_id,
        resource_group=workspace.resource_group,
        workspace=workspace.name,
        workspace_resource_id=workspace.id,
        endpoint=workspace.endpoint,
        deployments=tuple(deployment.name for deployment in config.deployments),
        datastores={
            "workspaceblobstore": config.state / "workspaceblobstore",
            **config.datastores,
        },
        principals={principal.name: principal for principal in material.principals},
        identity_header=material.identity_header,
    )
