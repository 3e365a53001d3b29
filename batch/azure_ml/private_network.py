"""What it means that Azure ML denies access with a 5xx: the workspace is closed to public networks."""

from urllib.parse import urlsplit

from batch.addresses import CLOUDS, PUBLIC_CLOUD

_WORDS = ("private link", "privatelink", "private endpoint", "virtual network", "vnet")


def is_about_private_networks(message: str) -> bool:
    return any(word in message.casefold() for word in _WORDS)


def what_is_closed(url: str) -> str:
    """Two sentences for people: what was refused, and which names the app's network must resolve."""
    host = urlsplit(url).hostname or ""
    cloud = next((cloud for cloud in CLOUDS if _is_of(host, cloud.arm_host, cloud.ml_audience)), PUBLIC_CLOUD)
    start = "The workspace is closed to public networks; the app must call it from a virtual network"
    if "/subscriptions/" in url:
        return (
            f"{start} with a private endpoint of the workspace, to which the DNS zone"
            f" privatelink.{cloud.ml_api_host} is linked. One of the two is missing."
        )
    name, _, suffix = host.partition(".inference.")
    region = f"{name.rpartition('.')[2]}." if suffix else ""
    return (
        f"{start}, in which {host} and the names of {region}{cloud.ml_api_host} resolve to private endpoints."
    )


def _is_of(host: str, arm_host: str, ml_audience: str) -> bool:
    return host == arm_host or host.endswith(f".inference.{ml_audience.removeprefix('https://')}")
