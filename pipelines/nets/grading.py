"""From a grader's logits to what is said of one photograph, by the parameters stored beside the weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.core.errors import ModelError
from pipelines.imaging.fundus import QualityLimits
from pipelines.nets.bundle import Bundle
from pipelines.nets.calibration import Calibration, CutPoints, Decision, MostProbable

GRADES = 5  # ICDR 0-4 (Wilkinson et al. 2003)
REFERABLE_FROM = 2  # ICDR grade: moderate non-proliferative disease or worse
DME_RISKS = 3  # 0 no hard exudates, 1 more than one disc diameter from the fovea, 2 closer (IDRiD)
OUTPUTS = GRADES + DME_RISKS  # rows of the head, in this order


@dataclass(frozen=True, slots=True)
class Graded:
    """One photograph: calibrated probabilities of the five grades and three DME risks, and what follows from them."""

    probabilities: tuple[float, ...]
    grade: int
    confidence: float  #: probability of the most probable grade
    referable_probability: float
    referable: bool
    abstained: bool
    dme_probabilities: tuple[float, ...]
    dme_risk: int
    interval: tuple[int, int]  #: the narrowest run of grades around `grade` that holds `interval_mass`


@dataclass(frozen=True, slots=True)
class Grading:
    """The parameters in a bundle's configs/inference.json, typed."""

    input_size: int  #: px
    mean: tuple[float, ...]
    std: tuple[float, ...]
    decode_min_side: int  #: px; a photograph may be decoded at reduced scale while its shorter side keeps this
    calibration: Calibration
    dme_calibration: Calibration
    decision: Decision
    referable_threshold: float
    abstain_below: float
    interval_mass: float
    quality: QualityLimits

    def read(self, logits: NDArray[np.float32]) -> Graded:
        """Logits (8,): rows 0-4 grade, rows 5-7 DME risk, as the metadata says."""
        grades = self.calibration.probabilities(logits[None, :GRADES])
        dme = self.dme_calibration.probabilities(logits[None, GRADES:])[0]
        grade, confidence = int(self.decision.grades(grades)[0]), float(grades.max())
        referable = float(grades[0, REFERABLE_FROM:].sum())
        return Graded(
            probabilities=tuple(map(float, grades[0])),
            grade=grade,
            confidence=confidence,
            referable_probability=referable,
            referable=referable >= self.referable_threshold,
            abstained=confidence < self.abstain_below,
            dme_probabilities=tuple(map(float, dme)),
            dme_risk=int(dme.argmax()),
            interval=interval(grades[0], grade, self.interval_mass),
        )


def interval(probabilities: NDArray[np.float64], grade: int, mass: float) -> tuple[int, int]:
    """The run of grades (low, high) grown from `grade` towards the likelier neighbour until it holds `mass`."""
    low = high = grade
    while probabilities[low : high + 1].sum() < mass and (low > 0 or high < len(probabilities) - 1):
        below = probabilities[low - 1] if low > 0 else -1.0
        above = probabilities[high + 1] if high < len(probabilities) - 1 else -1.0
        low, high = (low - 1, high) if below > above else (low, high + 1)
    return low, high


def read_grading(bundle: Bundle) -> Grading:
    """The typed parameters of a bundle; raises ModelError where one is missing or of the wrong kind."""
    stored = bundle.inference
    try:
        return Grading(
            input_size=int(stored["input_size"]),
            mean=tuple(stored["mean"]),
            std=tuple(stored["std"]),
            decode_min_side=int(stored["decode_min_side"]),
            calibration=Calibration(float(stored["temperature"]), tuple(stored["class_bias"])),
            dme_calibration=Calibration(float(stored["dme"]["temperature"]), tuple(stored["dme"]["class_bias"])),
            decision=read_decision(stored["decision"]),
            referable_threshold=float(stored["referable_threshold"]),
            abstain_below=float(stored["abstain_below"]),
            interval_mass=float(stored["interval_mass"]),
            quality=QualityLimits(**stored["quality"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError("configs/inference.json does not hold what the grader needs") from error


def read_decision(stored: dict[str, object]) -> Decision:
    """The decision rule by its stored name; raises ModelError for an unknown one."""
    match stored:
        case {"rule": "most_probable"}:
            return MostProbable()
        case {"rule": "cut_points", "cuts": [*cuts]}:
            return CutPoints(tuple(float(str(cut)) for cut in cuts))
        case _:
            raise ModelError("the bundle asks for an unknown decision rule")
