"""Small pages that need neither the build nor a script: one style sheet, allowed by its hash, and a way on."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse

#: The dashboard's own colours (web/src/design/tokens.css; a test compares them); the theme is the browser's.
LIGHT: Final[Mapping[str, str]] = {
    "room": "#eef1f3",
    "surface": "#ffffff",
    "line": "#d5dce1",
    "text": "#161c21",
    "muted": "#4d5a65",
    "accent": "#0b6482",
    "on-accent": "#ffffff",
    "focus": "#8a4b00",
}
DARK: Final[Mapping[str, str]] = {
    "room": "#0c0f12",
    "surface": "#14181d",
    "line": "#2b343d",
    "text": "#e7ebee",
    "muted": "#a3afba",
    "accent": "#7cc4dd",
    "on-accent": "#06181f",
    "focus": "#ffd479",
}


def _variables(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


STYLE: Final = f"""
:root {{ color-scheme: light dark; {_variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}
body {{
  display: grid; place-items: center; min-height: 100vh; margin: 0; padding: 1rem; box-sizing: border-box;
  background: var(--room); color: var(--text);
  font: 16px/1.5 "Inter", "Segoe UI", system-ui, -apple-system, "Noto Sans", "Liberation Sans", sans-serif;
}}
main {{
  max-width: 34rem; padding: 2rem; border: 1px solid var(--line); border-radius: 10px; background: var(--surface);
}}
h1 {{ margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.25; }}
p {{ margin: 0 0 1rem; color: var(--muted); }}
pre {{ margin: 0; overflow-x: auto; font: 0.9em ui-monospace, "DejaVu Sans Mono", monospace; }}
a {{
  display: inline-block; padding: 0.4rem 1rem; border-radius: 6px;
  background: var(--accent); color: var(--on-accent); font-weight: 600; text-decoration: none;
}}
a:focus-visible {{ outline: 2px solid var(--focus); outline-offset: 2px; }}
"""


def only_style(sheet: str) -> str:
    """The policy's source that allows this very style sheet: https://www.w3.org/TR/CSP3/#external-hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()}'"


HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": f"default-src 'none'; style-src {only_style(STYLE)}; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Vary": "Accept",
}
HTML_TYPES: Final = frozenset({"text/html", "application/xhtml+xml"})

NOWHERE: Final = """<h1>There is nothing at this address</h1>
<p>The link may be old or mistyped. Nothing was changed.</p>
<a href="/">To the worklist</a>"""


def plain_page(title: str, body: str, status: HTTPStatus) -> HTMLResponse:
    """A page with this body (HTML of ours: nothing that was sent is ever put into it)."""
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" type="image/svg+xml" href="/favicon.svg">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )
    return HTMLResponse(page, status, dict(HEADERS))


def nowhere() -> HTMLResponse:
    """What a browser gets at an address that leads nowhere: a sentence and the way to the dashboard."""
    return plain_page("Overread: nothing here", NOWHERE, HTTPStatus.NOT_FOUND)


def wants_a_page(request: Request) -> bool:
    """Whether a person asks: browsers name HTML when they go to an address, programs and scripts do not."""
    named = {entry.split(";")[0].strip().lower() for entry in request.headers.get("accept", "").split(",")}
    return request.method in {"GET", "HEAD"} and not named.isdisjoint(HTML_TYPES)
