"""The coded reasons a reader may give for an edit or a rejection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.store.states import Verdict


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a reader disagrees: a stable code, a sentence, the verdicts it goes with, and whose results it is meant for.

    `pipelines` is what a form offers it with, and empty for any pipeline; a reader's word is not refused for it.
    """

    code: str
    sentence: str
    verdicts: frozenset[Verdict]
    pipelines: frozenset[str] = frozenset()


_EDIT: Final = frozenset({Verdict.EDIT})
_REJECT: Final = frozenset({Verdict.REJECT})
_BOTH: Final = _EDIT | _REJECT

_GRADED: Final = frozenset({"retinopathy"})
_OUTLINED: Final = frozenset({"segmentation"})
_RECONSTRUCTED: Final = frozenset(
    {
        "reconstruction",
        "reconstruction_zero_filled",
        "reconstruction_sense",
        "reconstruction_compressed_sensing",
    }
)

#: Codes are stored with reviews: add to them, never rename one.
REASONS: Final[Mapping[str, Reason]] = {
    reason.code: reason
    for reason in (
        Reason("grade_too_low", "The disease is graded too low.", _EDIT, _GRADED),
        Reason("grade_too_high", "The disease is graded too high.", _EDIT, _GRADED),
        Reason("value_too_low", "A value is too low.", _EDIT, _OUTLINED),
        Reason("value_too_high", "A value is too high.", _EDIT, _OUTLINED),
        Reason("outline_wrong", "The outline leaves out tissue or takes in too much.", _BOTH, _OUTLINED),
        Reason("structure_missed", "The outlined structure is another one, or none.", _REJECT, _OUTLINED),
        Reason("lesion_missed", "A lesion was missed.", _BOTH, _GRADED),
        Reason("lesion_false", "What was taken for a lesion is none.", _BOTH, _GRADED),
        Reason("other_disease", "The changes come from another disease.", _BOTH, _GRADED | _OUTLINED),
        Reason("not_gradable", "The image cannot be graded.", _REJECT, _GRADED),
        Reason("not_measurable", "The images are too poor to be measured.", _REJECT, _OUTLINED),
        Reason(
            "detail_invented",
            "The image shows structure that the measured data do not support.",
            _REJECT,
            _RECONSTRUCTED,
        ),
        Reason("detail_lost", "Detail is blurred or missing.", _REJECT, _RECONSTRUCTED),
        Reason("aliasing_left", "Folding, ringing or noise is left in the image.", _REJECT, _RECONSTRUCTED),
        Reason(
            "artefact",
            "The result rests on an artefact: dust, reflection, eyelash, compression, movement.",
            _REJECT,
            _GRADED | _OUTLINED,
        ),
        Reason("explanation_implausible", "The heat-map points elsewhere than the disease.", _BOTH, _GRADED),
        Reason("wrong_laterality", "Right and left are exchanged.", _REJECT),
        Reason("wrong_patient", "The images belong to another patient.", _REJECT),
        Reason("not_suitable", "This kind of image should not have been read by this model.", _REJECT),
        Reason("other", "Another reason: see the comment.", _BOTH),
    )
}
