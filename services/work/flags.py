"""Words that stay on an instance so that a reader sees what was odd about it."""

from __future__ import annotations

from typing import Final

#: The same photograph is also stored under another patient, eye or study.
SAME_PICTURE: Final = "same_picture"
#: The header names another patient than the study's first one; kept and shown, never read by a pipeline.
OTHER_PATIENT: Final = "other_patient"

SENTENCES: Final = {
    SAME_PICTURE: "the same picture is also stored under another patient, eye or study",
    OTHER_PATIENT: "the study belongs to another patient; the image is kept, but no pipeline reads it",
}
