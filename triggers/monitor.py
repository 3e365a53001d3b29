"""The page on which people watch runs. It sends requests to the HTTP API and to nothing else.

Anybody who can reach the app gets the page itself: it holds no data and no key. What it shows comes from the API,
which demands the key that the page sends. So the page can ask for a key and can be reloaded.
"""

import json
import secrets
from functools import lru_cache
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

from batch.run.phases import PHASES

ROUTE = "monitor"
PAGE = Path(__file__).parent / "monitor_page"
STYLES = ("base.css", "list.css", "detail.css")
SCRIPTS = (
    *("runs.js", "api.js", "store.js", "elements.js"),
    *(
        "connection.js",
        "timeline.js",
        "filters.js",
        "list.js",
        "cancel.js",
        "rerun.js",
        "log.js",
        "detail.js",
        "main.js",
    ),
)
"""In the order in which the browser runs them."""

bp = df.Blueprint()


# Set on the route: the level of the DFApp overrides that of a blueprint.
@bp.route(route=ROUTE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_monitor(req: func.HttpRequest) -> func.HttpResponse:
    """The whole page in one answer: one nonce allows all of its scripts and styles, and no others."""
    nonce = secrets.token_urlsafe(16)
    return func.HttpResponse(
        _template().replace("{{nonce}}", nonce),
        mimetype="text/html",
        charset="utf-8",
        headers=_headers(nonce),
    )


def _headers(nonce: str) -> dict[str, str]:
    policy = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}'",
        "style-src": f"'nonce-{nonce}'",
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        # App Service authentication refuses a POST of a browser that names no referrer.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


@lru_cache(maxsize=1)
def _template() -> str:
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    facts = {name: {"ended": phase.ended, "tone": phase.tone} for name, phase in PHASES.items()}
    return (
        page.replace("{{styles}}", _inline("style", STYLES))
        .replace("{{phase_facts}}", json.dumps(facts))
        .replace("{{scripts}}", _inline("script", SCRIPTS))
    )


def _inline(tag: str, names: tuple[str, ...]) -> str:
    parts = ((PAGE / name).read_text(encoding="utf-8") for name in names)
    return "\n".join(f'<{tag} nonce="{{{{nonce}}}}">\n{part}</{tag}>' for part in parts)
