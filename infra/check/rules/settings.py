"""App settings: each one that is read is set, and each one that is set is read."""

import re
from pathlib import Path
from typing import Any

from infra.check.bicep import line, literal
from infra.check.findings import Finding, Findings
from infra.check.project import HOST, Project
from infra.check.rules.python_source import Source, library_settings
from infra.check.rules.security import object_entries, secret_settings
from infra.check.rules.sign_in import named_in_sign_ins, site_configs

_HOST_NEEDS = {
    "AzureMonitorExporter__EnableTraceBasedLogsSampler",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__tableServiceUri",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
}
"""What the Functions host reads when it uses an identity for everything, in any cloud, and samples nothing."""

_NOTHING_IS_SAMPLED = {
    "OTEL_TRACES_SAMPLER": "microsoft.fixed_percentage",
    "OTEL_TRACES_SAMPLER_ARG": "1.0",
    "AzureMonitorExporter__EnableTraceBasedLogsSampler": "false",
}
"""With a sampler of its own the exporter drops traces, and lines with them; alerts read the lines."""

_PLATFORM_SETS = {"WEBSITE_HOSTNAME"}
"""What the platform itself sets."""

_BACKENDS = Path("infra/hooks/prepackage.py")
_CONNECTION_NAME = re.compile(r'"connectionStringName":\s*"(\w+)"')


def check_settings(project: Project, source: Source) -> Findings:
    yield from source.unreadable()
    settings = [
        (template, declared)
        for template in project.templates.values()
        for declared in site_configs(template, "appsettings")
    ]
    if len(settings) != 1:
        yield Finding(HOST, 1, "exactly one resource must set the app settings: each replaces the whole set")
        return
    template, declared = settings[0]
    entries = object_entries(template, declared.at("properties"))
    yield from secret_settings(template, entries)

    read_by_platform = _HOST_NEEDS | _named_in_host_json(project) | named_in_sign_ins(project)
    for name, (path, number) in source.settings.items():
        if name not in entries and name not in _PLATFORM_SETS:
            yield Finding(
                path, number, f"app setting {name} is read here, but {template.path} does not set it"
            )
    for name in sorted(read_by_platform - entries.keys()):
        yield Finding(
            template.path,
            line(declared.node),
            f"app setting {name} is read by the Functions host or by its sign-in, but not set",
        )
    for name, wanted in _NOTHING_IS_SAMPLED.items():
        if name in entries and literal(template.resolved(entries[name][1])) != wanted:
            yield Finding(
                template.path,
                line(entries[name][0]),
                f"app setting {name} must be {wanted!r}: otherwise log lines are dropped, and alerts with them",
            )
    read = source.settings.keys() | library_settings() | read_by_platform
    for name, (key, _) in entries.items():
        if name not in read:
            yield Finding(template.path, line(key), f"app setting {name} is set, but nothing reads it")


def _named_in_host_json(project: Project) -> set[str]:
    """Connection settings, also those of each backend that the prepackage hook can write."""
    texts = project.read(HOST) + (project.read(_BACKENDS) if project.exists(_BACKENDS) else "")
    return set(_CONNECTION_NAME.findall(texts)) | set(re.findall(r'"%(\w+)%"', texts))


def check_host(project: Project) -> Findings:
    host: dict[str, Any] = project.json(HOST)
    durable = host.get("extensions", {}).get("durableTask", {})
    for key in ("hubName", "defaultVersion", "storageProvider"):
        if key not in durable:
            yield Finding(
                HOST, project.line_of(HOST, "durableTask"), f"extensions.durableTask.{key} is missing"
            )
    if durable.get("tracing", {}).get("traceInputsAndOutputs") is not False:
        yield Finding(
            HOST, project.line_of(HOST, "durableTask"), "tracing.traceInputsAndOutputs must be false"
        )
    if host.get("telemetryMode") != "OpenTelemetry":
        yield Finding(
            HOST,
            1,
            "telemetryMode must be OpenTelemetry: then a run is one trace, and the settings of its exporter hold",
        )
    if "applicationInsights" in host.get("logging", {}):
        yield Finding(
            HOST,
            project.line_of(HOST, "applicationInsights"),
            "logging.applicationInsights has no effect with telemetryMode OpenTelemetry",
        )
