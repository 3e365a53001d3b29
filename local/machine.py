"""The app on the local Functions host, together with the emulated Azure ML and Event Grid."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from functions_host.durable.steered_clock import ClockFile
from local.azure_ml import (
    RUN_COMPLETED,
    RUN_STATUS_CHANGED,
    AzureMlService,
    ControlClient,
    Identity,
    Phase,
    Ports,
    ServiceConfig,
    ServiceInfo,
    even_pace,
    standard_deployments,
)
from local.event_grid import (
    Batching,
    Container,
    ContainerWatch,
    Disturbance,
    EventFilter,
    EventGrid,
    Schema,
    Subscription,
)
from local.host_process import ROOT, HostProcess
from local.new_data_subscriptions import new_data_filters

SAMPLES = ROOT / "samples"
_DEPLOYMENTS = standard_deployments(SAMPLES / "score.py", SAMPLES / "model")
DEPLOYMENTS = tuple(deployment.name for deployment in _DEPLOYMENTS)
INCOMING = Container("localdata", "incoming")
_NOT_INHERITED = (
    "AZURE_",
    "IDENTITY_",
    "MSI_",
    "BATCH_",
    "NEW_DATA_",
    "NOTIFICATION_",
    "ALLOWED_ENDPOINT_",
    "SUBMISSION_",
    "PUBLIC_BASE_",
    "DURABLE_MANAGEMENT_",
    "AzureWebJobs",
)
WEBHOOK = "/runtime/webhooks/eventgrid?functionName="


@dataclass(frozen=True, slots=True)
class Events:
    """What Event Grid delivers to the app: files in the folders of the containers, and jobs of the workspace.

    All ``containers`` are of one account, which is a Data Lake one if it is ``hierarchical``. Without ``watch`` only
    tests publish blob events; without ``jobs`` the workspace publishes none.
    """

    containers: tuple[Container, ...] = (INCOMING,)
    hierarchical: bool = False
    watch: bool = True
    jobs: bool = True
    schema: Schema = Schema.EVENT_GRID
    batching: Batching = field(default_factory=Batching)
    disturbance: Disturbance = field(default_factory=Disturbance)
    time_scale: float = 60.0


@dataclass(frozen=True, slots=True)
class MachineConfig:
    """``state`` is the only folder written to; ``settings`` override the app settings for the emulated Azure ML.

    ``datastores`` maps names to folders, ``storage`` the beginnings of storage URLs, and ``assets``
    ``<name>:<version>``; ``host_port`` 0 takes a free one. With ``time_scale`` durable time runs that many times as
    fast as the machine's, and can be steered. With ``tells_topic`` the app tells the local topic how runs end.
    """

    state: Path
    identity: Identity = "managed-identity"
    principal: str | None = None
    pace: tuple[Phase, ...] = field(default_factory=lambda: even_pace(0.0))
    datastores: Mapping[str, Path] = field(default_factory=dict)
    storage: Mapping[str, Path] = field(default_factory=dict)
    assets: Mapping[str, Path] = field(default_factory=lambda: {"heart:1": SAMPLES / "data"})
    settings: Mapping[str, str] = field(default_factory=dict)
    host_port: int = 0
    ports: Ports = field(default_factory=Ports)
    keep_tags: bool = False
    token_lifetime: int = 3600
    time_scale: float | None = None
    events: Events | None = None
    tells_topic: bool = False


class LocalMachine:
    """Runs inside its ``with`` block, which sets ``host``, ``azure_ml``, ``control``, ``grid``, and with a time
    scale ``clock``. ``incoming`` is the folder of the storage container of that name.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._config = config
        self._running = ExitStack()
        self.incoming = container_folder(config.state, INCOMING.name)
        self.clock: ClockFile
        self.grid: EventGrid
        self.host: HostProcess
        self.azure_ml: ServiceInfo
        self.control: ControlClient

    @property
    def url(self) -> str:
        return self.host.url

    def job_log(self, job: str) -> Path:
        """What the scoring script of a job prints; the file is missing before the script starts."""
        return self._config.state.resolve() / "azure_ml" / "jobs" / job / "log.txt"

    def __enter__(self) -> Self:
        config = self._config
        config.state.mkdir(parents=True, exist_ok=True)
        if config.time_scale is not None:
            self.clock = ClockFile(config.state / "clock", config.time_scale)
        with ExitStack() as starting:
            self.grid = starting.enter_context(EventGrid(config.events.time_scale if config.events else 1.0))
            service = starting.enter_context(AzureMlService(self._service_config()))
            self.azure_ml, self.control = service.info, service.control
            self.host = HostProcess(
                store=config.state / "task_hub.db",
                log=config.state / "host.log",
                environment=self._app_environment(),
                port=config.host_port,
                clock=None if config.time_scale is None else self.clock.path,
            )
            starting.enter_context(self.host)
            if config.events:
                self._connect(config.events, starting)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _connect(self, events: Events, starting: ExitStack) -> None:
        job_events = EventFilter(event_types=(RUN_STATUS_CHANGED, RUN_COMPLETED))
        filters = {name: ("new_data", one) for name, one in new_data_filters(self._config.settings).items()}
        for name, (function, wanted) in {**filters, "job-events": ("job_events", job_events)}.items():
            self.grid.subscribe(
                Subscription(
                    name=name,
                    url=f"{self.url}{WEBHOOK}{function}",
                    filter=wanted,
                    schema=events.schema,
                    batching=events.batching,
                    disturbance=events.disturbance,
                    dead_letter=self._config.state / "dead_letters",
                )
            )
        for container in events.containers if events.watch else ():
            folder = container_folder(self._config.state, container.name)
            watch = ContainerWatch(folder, container, self.grid.publish, hierarchical=events.hierarchical)
            starting.enter_context(watch)

    def _service_config(self) -> ServiceConfig:
        config = self._config
        return ServiceConfig(
            state=config.state / "azure_ml",
            deployments=_DEPLOYMENTS,
            pace=config.pace,
            datastores={"samples": SAMPLES, **config.datastores},
            assets=config.assets,
            storage={**_storage(config), **config.storage},
            publish=self.grid.publish if config.events and config.events.jobs else None,
            ports=config.ports,
            keep_tags=config.keep_tags,
            token_lifetime=config.token_lifetime,
        )

    def _app_environment(self) -> dict[str, str]:
        azure_ml = self.azure_ml
        return {
            **inherited_environment(),
            **azure_ml.environment(self._config.identity, self._config.principal),
            "AzureWebJobsStorage": f"sqlite:{self._config.state.resolve() / 'ledger.db'}",
            "BATCH_ENDPOINT_URI": azure_ml.scoring_uri,
            "AZURE_ML_WORKSPACE_ID": azure_ml.workspace_resource_id,
            "AZURE_ML_AUDIENCE": azure_ml.ml_audience,
            "AZURE_RESOURCE_MANAGER_URL": azure_ml.arm_url,
            "AZURE_ML_RUN_HISTORY_URL": azure_ml.run_history_url,
            "AZURE_RESOURCE_MANAGER_AUDIENCE": azure_ml.arm_audience,
            "SUBMISSION_SETTLE_SECONDS": "1",
            **({"NEW_DATA_TOPIC": self._config.events.containers[0].topic} if self._config.events else {}),
            **({"NOTIFICATION_TOPIC": azure_ml.topic_url} if self._config.tells_topic else {}),
            **self._config.settings,
        }


def container_folder(state: Path, container: str) -> Path:
    """The folder of a storage container: no other folder of a machine has a name that a container can have."""
    return state / container


def inherited_environment() -> dict[str, str]:
    """The variables of this process that the app gets, too: those that name nothing in Azure."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}


def _storage(config: MachineConfig) -> dict[str, Path]:
    containers = config.events.containers if config.events else ()
    return {
        address: container_folder(config.state, container.name)
        for container in containers
        for address in container.addresses
    }
