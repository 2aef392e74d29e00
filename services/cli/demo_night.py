"""What the demo does beside sending images: a rule for second readers, a candidate model, a night of reading again."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.core.errors import Unavailable

if TYPE_CHECKING:
    from services.cli.client import Document, Service
    from services.settings import Settings

MODEL: Final = "fundus_dr_grading"
CANDIDATE: Final = "1.1.1-demo"
LEANS_TO: Final = 3  # ICDR grade, severe
LEANING: Final = 2.5  # added to that grade's logit: enough to move what lies beside it, not what is far
WHAT_IT_IS: Final = "the networks of 1.1.0, made to lean towards grade 3 so that the demo has a second opinion"
#: Figures that were measured of the networks as they are, and not of this.
MEASURED: Final = ("eval_metrics", "confusion")
ENDED: Final = frozenset({"finished", "failed", "cancelled"})
POLL_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 120.0
RULE: Final = {"name": "All that is urgent is read twice", "urgencies": ["stat", "urgent"], "blinded": False}


def prepare(service: Service, settings: Settings, scratch: Path) -> None:
    """Before anything is sent: the rule, and a candidate that reads silently beside the model in use."""
    service.post("/api/v1/reading-rules", RULE)
    register(settings, candidate(settings.models_dir / MODEL, scratch / MODEL))
    reason = f"Demonstration: {WHAT_IT_IS}"
    service.post(f"/api/v1/models/{MODEL}/shadow", {"version": CANDIDATE, "reason": reason})


def candidate(shipped: Path, folder: Path) -> Path:
    """A bundle of the shipped networks that leans towards one grade; not for any reading, and it says so."""
    shutil.copytree(shipped, folder)
    inference = _read(folder / "configs" / "inference.json")
    inference["class_bias"][LEANS_TO] += LEANING
    _write(folder / "configs" / "inference.json", inference)
    facts = _read(folder / "configs" / "metadata.json")
    kept = {name: value for name, value in facts.items() if name not in MEASURED}
    changes = {CANDIDATE: WHAT_IT_IS, **facts["changelog"]}
    _write(folder / "configs" / "metadata.json", {**kept, "version": CANDIDATE, "changelog": changes})
    card = folder / "docs" / "README.md"
    card.write_text(f"**{CANDIDATE}: {WHAT_IT_IS}. Not for any reading.**\n\n{card.read_text('utf-8')}", "utf-8")
    return folder


def register(settings: Settings, folder: Path) -> None:
    """Make the bundle known, as `overread models add` does."""
    from services.cli.local import CONSOLE
    from services.store import registration
    from services.store.stores import open_store

    store = open_store(settings)
    try:
        registration.add_bundle(store, folder, CONSOLE)
    finally:
        store.close()


def read_again(service: Service) -> Document:
    """Read all photographs again with the candidate, as a night would; the batch once it has ended.

    Raises Unavailable where it does not end.
    """
    asked = {"name": f"Demonstration: read again with {CANDIDATE}", "pipeline": "retinopathy"}
    batch = service.post("/api/v1/batches", {**asked, "model_version": CANDIDATE})
    end = time.monotonic() + PATIENCE_SECONDS
    while batch["state"] not in ENDED:
        if time.monotonic() > end:
            raise Unavailable("the batch does not end: is a scheduler running?", code="nothing_moves")
        time.sleep(POLL_SECONDS)
        batch = service.get(f"/api/v1/batches/{batch['id']}")
    return batch


def _read(path: Path) -> Document:
    document: Document = json.loads(path.read_text("utf-8"))
    return document


def _write(path: Path, document: Document) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
