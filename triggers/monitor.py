"""The page on which people watch runs. It asks the HTTP API and nothing else.

The page itself is for anybody who can reach the app: it holds no data and no key. What it shows comes from the
API, behind the key that the page sends or the login; so it can ask for a key, and be reloaded.
"""

import secrets
from functools import lru_cache
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

ROUTE = "monitor"
PAGE = Path(__file__).parent / "monitor_page"
STYLES = ("base.css", "list.css", "detail.css")
SCRIPTS = (
    *("runs.js", "api.js", "store.js", "elements.js"),
    *("connection.js", "timeline.js", "filters.js", "list.js", "cancel.js", "detail.js", "main.js"),
)
"""In the order in which the browser runs them."""

bp = df.Blueprint()


# Said here, because the app's level wins over a blueprint's.
@bp.route(route=ROUTE, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_monitor(req: func.HttpRequest) -> func.HttpResponse:
    """All in one answer: one nonce lets all of its parts run, and nothing else."""
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
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


@lru_cache(maxsize=1)
def _template() -> str:
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    return page.replace("{{styles}}", _inline("style", STYLES)).replace(
        "{{scripts}}", _inline("script", SCRIPTS)
    )


def _inline(tag: str, names: tuple[str, ...]) -> str:
    parts = ((PAGE / name).read_text(encoding="utf-8") for name in names)
    return "\n".join(f'<{tag} nonce="{{{{nonce}}}}">\n{part}</{tag}>' for part in parts)
