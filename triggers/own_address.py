"""Addresses of this app as its callers reach it.

Without PUBLIC_BASE_URL they begin as the request does that asks. Headers in which a gateway repeats the host that
its own caller named (``X-Forwarded-Host``, ``Forwarded`` …) are not read: any caller can send one, and would decide
where the reader of the answer sends a key.
"""

from urllib.parse import urlsplit

from batch.settings import app_settings


def api_root(request_url: str, route: str) -> str:
    """The address of the HTTP API, from that of a request for one of its routes."""
    parts = urlsplit(request_url)
    prefix = parts.path.partition(f"/{route}")[0]
    return public_address(f"{parts.scheme}://{parts.netloc}{prefix}")


def public_address(own: str) -> str:
    """``own`` behind PUBLIC_BASE_URL, if that is set. Path and query stay as they are."""
    base = app_settings().public_base
    if base is None:
        return own
    parts = urlsplit(own)
    return f"{base}{own.removeprefix(f'{parts.scheme}://{parts.netloc}')}"
