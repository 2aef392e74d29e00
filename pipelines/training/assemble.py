"""Turn finished folds into the bundle: ensemble weights, fitted parameters, figures; the card is written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save_file

from pipelines.core.bundle_files import CARD, INFERENCE, METADATA, WEIGHTS, file_sha256
from pipelines.core.figures import (
    Figure,
    area_under_curve,
    bootstrap,
    confusion,
    quadratic_kappa,
    share_right,
)
from pipelines.nets.backbones import ensemble
from pipelines.nets.calibration import (
    Grades,
    MostProbable,
    Probabilities,
    abstention_threshold,
    expected_calibration_error,
    fit_temperature,
    fit_temperature_and_bias,
    threshold_for_sensitivity,
)
from pipelines.nets.grading import DME_RISKS, GRADES, OUTPUTS, REFERABLE_FROM
from pipelines.training.predictions import Predictions, cross_fitted, fold_network
from pipelines.training.recipe import Recipe, write_recipe

FIGURES_BEGIN, FIGURES_END = "<!-- figures -->", "<!-- end of figures -->"
SENSITIVITY = 0.95  # aimed at when the referable threshold is chosen: a missed eye costs more than a visit
ABSTAIN_SHARE = 0.08  # of the photographs go to a person unread
INTERVAL_MASS = 0.9
DECODE_MIN_SIDE = 640  # px, the shorter side of the training photographs
QUALITY = {"sharpness": 0.2, "dark": 28.0, "bright": 185.0, "saturated": 0.2}


@dataclass(frozen=True, slots=True)
class Judged:
    """Cross-fitted answers for every photograph: nothing in a row was fitted on its own eye."""

    probabilities: Probabilities
    grade: Grades
    referable: NDArray[np.bool_]
    abstained: NDArray[np.bool_]
    dme: Probabilities


def judge(predictions: Predictions) -> Judged:
    """Calibrate, decide and threshold each fold by parameters fitted on the other folds."""
    logits, fold = predictions.upright, predictions.fold
    probabilities = cross_fitted(logits[:, :GRADES], predictions.grade, fold, fit_temperature_and_bias)
    score, confidence = probabilities[:, REFERABLE_FROM:].sum(axis=1), probabilities.max(axis=1)
    referable, abstained = np.zeros(len(fold), bool), np.zeros(len(fold), bool)
    for number in np.unique(fold):
        here = fold == number
        diseased = predictions.grade[~here] >= REFERABLE_FROM
        referable[here] = score[here] >= threshold_for_sensitivity(diseased, score[~here], SENSITIVITY)
        abstained[here] = confidence[here] < abstention_threshold(confidence[~here], ABSTAIN_SHARE)
    return Judged(
        probabilities=probabilities,
        grade=MostProbable().grades(probabilities),
        referable=referable,
        abstained=abstained,
        dme=cross_fitted(logits[:, GRADES:], predictions.dme_risk, fold, fit_temperature),
    )


def figures(predictions: Predictions, judged: Judged) -> dict[str, Figure]:
    """Every figure of the model card with its interval, by resampling photographs."""
    truth, diseased = predictions.grade, predictions.grade >= REFERABLE_FROM
    score, confidence = judged.probabilities[:, REFERABLE_FROM:].sum(axis=1), judged.probabilities.max(axis=1)
    correct, kept = judged.grade == truth, ~judged.abstained
    dme = judged.dme.argmax(axis=1)
    statistics: dict[str, Callable[[NDArray[np.int64]], float]] = {
        "accuracy": lambda rows: float(correct[rows].mean()),
        "quadratic_kappa": lambda rows: quadratic_kappa(truth[rows], judged.grade[rows], GRADES),
        "referable_auc": lambda rows: area_under_curve(diseased[rows], score[rows]),
        "referable_sensitivity": lambda rows: share_right(judged.referable[rows], diseased[rows]),
        "referable_specificity": lambda rows: share_right(~judged.referable[rows], ~diseased[rows]),
        "ece": lambda rows: expected_calibration_error(confidence[rows], correct[rows]),
        "referable_ece": lambda rows: expected_calibration_error(score[rows], diseased[rows]),
        "abstained": lambda rows: float(judged.abstained[rows].mean()),
        "accuracy_when_not_abstained": lambda rows: share_right(correct[rows], kept[rows]),
        "dme_accuracy": lambda rows: float((dme[rows] == predictions.dme_risk[rows]).mean()),
        "dme_quadratic_kappa": lambda rows: quadratic_kappa(predictions.dme_risk[rows], dme[rows], DME_RISKS),
        "dme_auc": lambda rows: area_under_curve(predictions.dme_risk[rows] > 0, 1 - judged.dme[rows, 0]),
    }
    return {name: bootstrap(statistic, len(truth)) for name, statistic in statistics.items()}


def inference_parameters(recipe: Recipe, predictions: Predictions, members: int) -> dict[str, Any]:
    """configs/inference.json: fitted on all out-of-fold predictions together.

    On logits averaged over both views: the product averages members, whose logits are less noisy than one member's, and
    two views of one member are as near to that as can be measured on eyes it has not seen.
    """
    logits = predictions.flip_averaged
    calibration = fit_temperature_and_bias(logits[:, :GRADES], predictions.grade)
    dme = fit_temperature(logits[:, GRADES:], predictions.dme_risk)
    probabilities = calibration.probabilities(logits[:, :GRADES])
    score = probabilities[:, REFERABLE_FROM:].sum(axis=1)
    return {
        "network_def": {
            "_target_": "pipelines.nets.backbones.grader",
            "name": recipe.backbone,
            "members": members,
            "outputs": OUTPUTS,
        },
        "input_size": recipe.size,
        "mean": list(recipe.mean),
        "std": list(recipe.std),
        "decode_min_side": DECODE_MIN_SIDE,
        "temperature": round(calibration.temperature, 4),
        "class_bias": [round(bias, 4) for bias in calibration.bias],
        "decision": {"rule": "most_probable"},
        "referable_threshold": round_down(
            threshold_for_sensitivity(predictions.grade >= REFERABLE_FROM, score, SENSITIVITY)
        ),
        "abstain_below": round_down(abstention_threshold(probabilities.max(axis=1), ABSTAIN_SHARE)),
        "interval_mass": INTERVAL_MASS,
        "dme": {"temperature": round(dme.temperature, 4), "class_bias": list(dme.bias)},
        "quality": QUALITY,
    }


def round_down(threshold: float) -> float:
    """To four decimals, never above the fitted value: the photograph that set it stays on its side."""
    return float(np.floor(threshold * 1e4) / 1e4)


def save_weights(recipe: Recipe, folds: list[Path], checkpoint: str, path: Path) -> str:
    """Write the folds' networks as one, float16; the sha256 of the file."""
    joint = ensemble([fold_network(recipe, folder, checkpoint) for folder in folds])
    halves = {
        name: value.half().contiguous() for name, value in joint.state_dict().items() if value.is_floating_point()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(halves, path)
    path.chmod(0o644)  # safetensors leaves it to the owner alone
    return file_sha256(path)


def write_json(content: dict[str, Any], path: Path) -> None:
    """Two-space JSON with a final newline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def assemble(recipe: Recipe, predictions: Predictions, folds: list[Path], checkpoint: str, bundle: Path) -> None:
    """Write weights, parameters, recipe and figures into `bundle`, whose metadata.json already describes it."""
    digest = save_weights(recipe, folds, checkpoint, bundle / WEIGHTS)
    write_json(inference_parameters(recipe, predictions, len(folds)), bundle / INFERENCE)
    write_recipe(recipe, bundle / "configs/train.json")
    judged = judge(predictions)
    metadata = json.loads((bundle / METADATA).read_text(encoding="utf-8"))
    metadata["weights_sha256"] = digest
    metadata["eval_metrics"] = {
        name: {key: round(value, 4) for key, value in asdict(figure).items()}
        for name, figure in figures(predictions, judged).items()
    }
    metadata["confusion"] = confusion(predictions.grade, judged.grade, GRADES).tolist()
    write_json(metadata, bundle / METADATA)
    if (bundle / CARD).exists():
        write_figures(bundle / CARD, metadata["eval_metrics"], metadata["confusion"])


def write_figures(card: Path, measured: dict[str, dict[str, float]], counts: list[list[int]]) -> None:
    """Replace what stands between the card's two marks by the tables of figures: the card cannot disagree with them."""
    before, _, rest = card.read_text(encoding="utf-8").partition(FIGURES_BEGIN)
    _, _, after = rest.partition(FIGURES_END)
    lines = ["| figure | value | 95 % interval |", "| --- | --- | --- |"]
    lines += [
        f"| {name.replace('_', ' ')} | {figure['value']:.3f} | {figure['low']:.3f} to {figure['high']:.3f} |"
        for name, figure in measured.items()
    ]
    lines += ["", "| true grade | given 0 | 1 | 2 | 3 | 4 |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [f"| {grade} | {' | '.join(map(str, row))} |" for grade, row in enumerate(counts)]
    tables = "\n".join(lines)
    card.write_text(f"{before}{FIGURES_BEGIN}\n{tables}\n{FIGURES_END}{after}", encoding="utf-8")
