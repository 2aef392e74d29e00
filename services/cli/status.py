"""`overread status`: what a running Overread says of its parts."""

from __future__ import annotations

from typing import Final

from pipelines.core.errors import OverreadError, Unavailable
from services.cli.console import DEFAULT_URL, Exit, JsonFlag, UrlOption, print_json

PATIENCE_SECONDS: Final = 10.0


def status(url: UrlOption = DEFAULT_URL, json: JsonFlag = False) -> None:
    """Ask a running Overread whether its database, broker and disk are well; ends with 1 where it cannot take work."""
    import httpx

    try:
        answer = httpx.get(f"{url.rstrip('/')}/readyz", timeout=PATIENCE_SECONDS)
        parts = answer.json()
    except httpx.TransportError as error:
        raise Unavailable(f"no Overread answers at {url}; `overread up` starts one") from error
    except ValueError as error:
        raise OverreadError(f"{url} answers, but not as Overread does") from error
    if json:
        print_json(parts)
    else:
        print("ready to take work" if parts["ready"] else "not ready to take work")
        for part in ("database", "broker", "disk"):
            print(f"  {part:10} {parts[part]}")
    raise SystemExit(Exit.OK if parts["ready"] else Exit.FAILED)
