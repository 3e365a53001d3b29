"""Emulates Azure ML on one machine: Entra, managed identity, a batch endpoint that scores, and ARM."""

from local.azure_ml.config import (
    Deployment,
    Phase,
    Ports,
    Principal,
    Role,
    ServiceConfig,
    Workspace,
    even_pace,
    standard_deployments,
)
from local.azure_ml.info import Identity, ServiceInfo
from local.azure_ml.service import AzureMlService
from local.azure_ml.testing.control_client import ControlClient
from local.azure_ml.workspace.events import RUN_COMPLETED, RUN_STATUS_CHANGED

__all__ = [
    "RUN_COMPLETED",
    "RUN_STATUS_CHANGED",
    "AzureMlService",
    "ControlClient",
    "Deployment",
    "Identity",
    "Phase",
    "Ports",
    "Principal",
    "Role",
    "ServiceConfig",
    "ServiceInfo",
    "Workspace",
    "even_pace",
    "standard_deployments",
]
