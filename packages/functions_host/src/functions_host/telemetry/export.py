"""Decides whether the host exports its spans.

As in production, it exports them over OTLP if host.json has ``"telemetryMode": "OpenTelemetry"`` and the setting
``OTEL_EXPORTER_OTLP_ENDPOINT`` is set. This host supports the protocol http/protobuf only.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from functions_host.settings import HostSettings

if TYPE_CHECKING:
    from functions_host.telemetry.otlp_spans import OtlpSpans

log = logging.getLogger(__name__)

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SUPPORTED = "http/protobuf"


def span_sink(settings: HostSettings, environment: Mapping[str, str]) -> "OtlpSpans | None":
    """The exporter of the host's spans; None if the host exports none."""
    if not settings.open_telemetry or not environment.get(_ENDPOINT, "").strip():
        return None
    for name in _PROTOCOLS:
        if environment.get(name, _SUPPORTED) != _SUPPORTED:
            log.warning(
                "%s is %s: no trace is exported, because this host supports %s only.",
                name,
                environment[name],
                _SUPPORTED,
            )
            return None
    # The import is slow; a host without telemetry does without it.
    from functions_host.telemetry.otlp_spans import OtlpSpans

    return OtlpSpans(environment.get("WEBSITE_SITE_NAME") or settings.hub.hub_name)
