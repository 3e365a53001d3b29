"""Whether the host exports its spans, and where to.

As in production they go out over OTLP if host.json has ``"telemetryMode": "OpenTelemetry"`` and the setting
``OTEL_EXPORTER_OTLP_ENDPOINT`` is there; of the protocols, this host speaks http/protobuf.
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
_SPOKEN = "http/protobuf"


def span_sink(settings: HostSettings, environment: Mapping[str, str]) -> "OtlpSpans | None":
    """What takes the host's spans; None if nobody wants them."""
    if not settings.open_telemetry or not environment.get(_ENDPOINT, "").strip():
        return None
    for name in _PROTOCOLS:
        if environment.get(name, _SPOKEN) != _SPOKEN:
            log.warning(
                "%s is %s: no trace is exported, as this host speaks %s.", name, environment[name], _SPOKEN
            )
            return None
    # The SDK takes a moment to load; a host without telemetry need not wait for it.
    from functions_host.telemetry.otlp_spans import OtlpSpans

    return OtlpSpans(environment.get("WEBSITE_SITE_NAME") or settings.hub.hub_name)
