"""Serves the built dashboard under a strict Content-Security-Policy; a missing build says how to build it."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse, RedirectResponse

from pipelines.core.errors import NotFound
from services.dashboard.plain import plain_page

DIST: Final = Path(__file__).resolve().parent / "web" / "dist"

#: Everything comes from this server and nothing is written into the page: no inline script, no inline style, no frame.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

PAGE_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}

#: Vite names assets by the hash of their content, so a name never changes its meaning.
ASSET_HEADERS: Final = {**PAGE_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}

MISSING_BUILD: Final = """<h1>The dashboard is not built yet</h1>
<p>The rest of Overread works: images are taken in, read and stored, and the API answers.</p>
<p>To build the dashboard, run this in the checkout and load the page again:</p>
<pre>python scripts/build_dashboard.py</pre>"""

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.get("/login")
@router.get("/studies/{study_id}")
@router.get("/studies/{study_id}/report")
@router.get("/batches")
@router.get("/batches/{batch_id}")
@router.get("/models")
@router.get("/models/{name}")
@router.get("/operations")
@router.get("/operations/{part}")
@router.get("/account")
@router.get("/jobs")
@router.get("/rejections")
def page() -> Response:
    """The one page of the dashboard; which view it shows is decided in the browser from the address."""
    index = DIST / "index.html"
    if not index.is_file():
        title = "Overread: the dashboard is not built"
        return plain_page(title, MISSING_BUILD, HTTPStatus.SERVICE_UNAVAILABLE)
    return FileResponse(index, media_type="text/html; charset=utf-8", headers=PAGE_HEADERS)


@router.get("/dashboard")
@router.get("/home")
@router.get("/index.html")
@router.get("/studies")
@router.get("/worklist")
def guessed() -> Response:
    """Where people look for the dashboard who were told no address: it stands at the root."""
    return RedirectResponse("/", HTTPStatus.FOUND)


@router.get("/favicon.svg")
def favicon() -> Response:
    """The dashboard's mark."""
    return _file_of(DIST, "favicon.svg", PAGE_HEADERS)


@router.get("/assets/{name}")
def asset(name: str) -> Response:
    """One built file, looked up among those that exist, so that no name can lead out of the folder."""
    return _file_of(DIST / "assets", name, ASSET_HEADERS)


def _file_of(folder: Path, name: str, headers: dict[str, str]) -> Response:
    built = {entry.name: entry for entry in folder.iterdir() if entry.is_file()} if folder.is_dir() else {}
    if name not in built:
        raise NotFound("the dashboard has no such file")
    return FileResponse(built[name], headers=headers)
