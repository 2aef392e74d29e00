"""The coded reasons a reader may give for an edit or a rejection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.store.states import Verdict


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a reader disagrees: a stable code, a sentence, and the verdicts it goes with."""

    code: str
    sentence: str
    verdicts: frozenset[Verdict]


_EDIT: Final = frozenset({Verdict.EDIT})
_REJECT: Final = frozenset({Verdict.REJECT})
_BOTH: Final = _EDIT | _REJECT

#: Codes are stored with reviews: add to them, never rename one.
REASONS: Final[Mapping[str, Reason]] = {
    reason.code: reason
    for reason in (
        Reason("grade_too_low", "The disease is graded too low.", _EDIT),
        Reason("grade_too_high", "The disease is graded too high.", _EDIT),
        Reason("lesion_missed", "A lesion was missed.", _BOTH),
        Reason("lesion_false", "What was taken for a lesion is none.", _BOTH),
        Reason("other_disease", "The changes come from another disease.", _BOTH),
        Reason("not_gradable", "The image cannot be graded.", _REJECT),
        Reason("artefact", "The result rests on an artefact: dust, reflection, eyelash, compression.", _REJECT),
        Reason("explanation_implausible", "The heat-map points elsewhere than the disease.", _BOTH),
        Reason("wrong_laterality", "Right and left are exchanged.", _REJECT),
        Reason("wrong_patient", "The images belong to another patient.", _REJECT),
        Reason("not_suitable", "This kind of image should not have been read by this model.", _REJECT),
        Reason("other", "Another reason: see the comment.", _BOTH),
    )
}
