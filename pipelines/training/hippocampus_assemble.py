"""Turn finished members into the bundle: weights, parameters fitted on held-out cases, figures; the card has marks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from monai.networks.nets.dynunet import DynUNet
from safetensors.torch import save_file

from pipelines.core.bundle_files import CARD, INFERENCE, METADATA, WEIGHTS, file_sha256
from pipelines.core.figures import Figure
from pipelines.nets.bundle import open_bundle
from pipelines.nets.segmentation_quality import QualityRule
from pipelines.nets.segmenter import (
    MEMBERS,
    NETWORK,
    SegmentationModel,
    build_members,
    read_segmentation,
    stored_names,
)
from pipelines.nets.volume_engine import choose_volume_engine
from pipelines.training.assemble import FIGURES_BEGIN, FIGURES_END, write_json
from pipelines.training.hippocampus_calibrate import (
    Judged,
    background_offset,
    error_intervals,
    fit_quality,
    judge,
)
from pipelines.training.hippocampus_cases import Case
from pipelines.training.hippocampus_evaluate import outline_figures
from pipelines.training.hippocampus_figures import (
    KindFigures,
    figures_table,
    kind_figures,
    kinds_table,
    quality_figures,
    volume_figures,
)
from pipelines.training.hippocampus_fit import CHECKPOINT, SETTLING, definition
from pipelines.training.hippocampus_predict import views_of
from pipelines.training.hippocampus_recipe import Recipe, write_recipe

STRUCTURES = {"anterior": 1, "posterior": 2}
MIRRORS: tuple[tuple[int, ...], ...] = ((), (0,))  # left and right only: the network saw no other mirror images
OVERLAP = 0.5
HELD_OUT_KINDS, VALIDATION_KINDS = 4, 2  # worse versions of each case
UNFITTED = QualityRule(slope=1.0, intercept=0.0, threshold=0.0)


def assemble(data: Path, held_out: list[Case], validation: list[Case], recipe: Recipe, out: Path, bundle: Path) -> None:
    """Write weights, parameters, recipe and figures into `bundle`, whose metadata.json already describes it.

    Everything that is fitted is fitted on `held_out`; `validation` is measured once, at the end.
    """
    networks = tuple(averaged(recipe, out / f"member{number}" / SETTLING) for number in range(len(recipe.members)))
    unfitted = parameters(recipe, UNFITTED, {}, 0.0)
    write_json(unfitted, bundle / INFERENCE)
    write_recipe(recipe, bundle / "configs/train.json")
    save_weights(networks, bundle)
    offset = fitted_offset(held_out, recipe, bundle)
    shift_background(networks, offset)
    save_weights(networks, bundle)
    judged = judged_by_bundle(held_out, HELD_OUT_KINDS, recipe, bundle)
    write_json(parameters(recipe, fit_quality(judged), error_intervals(judged), offset), bundle / INFERENCE)
    measure(data, validation, recipe, out, bundle)


def averaged(recipe: Recipe, folder: Path) -> DynUNet:
    """A finished member's averaged network, without the heads of deep supervision."""
    network = DynUNet(**definition(recipe))
    state = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)["averaged"]
    network.load_state_dict({name: state[name] for name in stored_names(network)}, strict=False)
    return network.eval().requires_grad_(False)


def parameters(
    recipe: Recipe, quality: QualityRule, errors: dict[str, tuple[float, float]], offset: float
) -> dict[str, object]:
    """configs/inference.json."""
    return {
        "network_def": {"_target_": NETWORK, **definition(recipe)},
        MEMBERS: len(recipe.members),
        "spacing_mm": 1.0,
        "patch": list(recipe.patch),
        "overlap": OVERLAP,
        "normalisation": {"low_percentile": recipe.low_percentile, "high_percentile": recipe.high_percentile},
        "structures": STRUCTURES,
        "mirrors": [list(axes) for axes in MIRRORS],
        "background_offset": offset,  # already in the weights; stated for who compares them with the checkpoints
        "quality": asdict(quality),
        "volume_errors": {name: list(error) for name, error in errors.items()},
    }


def save_weights(networks: Sequence[DynUNet], bundle: Path) -> None:
    """Write the members into one file, float16, and pin its sha256 in the metadata."""
    halves = {
        f"{MEMBERS}.{number}.{name}": network.state_dict()[name].half().contiguous()
        for number, network in enumerate(networks)
        for name in sorted(stored_names(network))
    }
    path = bundle / WEIGHTS
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(halves, path)
    path.chmod(0o644)  # safetensors leaves it to the owner alone
    metadata = json.loads((bundle / METADATA).read_text(encoding="utf-8"))
    write_json(metadata | {"weights_sha256": file_sha256(path)}, bundle / METADATA)


def shift_background(networks: Sequence[DynUNet], offset: float) -> None:
    """Add `offset` to the logit of the background, in the last bias of every member."""
    for network in networks:
        with torch.no_grad():
            network.output_block.conv.conv.bias[0] += offset


def fitted_offset(held_out: Sequence[Case], recipe: Recipe, bundle: Path) -> float:
    """The offset at which the held-out volumes are right in the mean."""
    opened = open_bundle(bundle)
    engine, model = choose_volume_engine(build_members(opened)), read_segmentation(opened)
    views = [views_of(case.image, engine, model, recipe) for case in held_out]
    return background_offset(views, [case.labels for case in held_out])


def judged_by_bundle(cases: Sequence[Case], kinds: int, recipe: Recipe, bundle: Path) -> list[Judged]:
    """Answers of the bundle as it lies there, float16 weights and all."""
    opened = open_bundle(bundle)
    return judge(cases, kinds, choose_volume_engine(build_members(opened)), read_segmentation(opened), recipe)


def measure(data: Path, validation: list[Case], recipe: Recipe, out: Path, bundle: Path) -> None:
    """Write the figures on `validation` into metadata.json and the card."""
    model: SegmentationModel = read_segmentation(open_bundle(bundle))
    judged = judged_by_bundle(validation, VALIDATION_KINDS, recipe, bundle)
    figures: dict[str, Figure] = {
        **outline_figures(data, validation, bundle, out),
        **volume_figures(judged, model),
        **quality_figures(judged, model.quality),
    }
    kinds = kind_figures(judged, model.quality)
    metadata = json.loads((bundle / METADATA).read_text(encoding="utf-8"))
    metadata["eval_metrics"] = {name: rounded(asdict(figure)) for name, figure in figures.items()}
    metadata["quality_by_kind"] = [rounded(asdict(kind)) for kind in kinds]
    write_json(metadata, bundle / METADATA)
    write_tables(bundle / CARD, metadata["eval_metrics"], kinds)


def rounded(values: dict[str, Any]) -> dict[str, Any]:  # Any: what JSON takes
    """Four decimals are more than any figure here carries."""
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}


def write_tables(card: Path, measured: dict[str, dict[str, float]], kinds: Sequence[KindFigures]) -> None:
    """Replace what stands between the card's two marks: the card cannot disagree with the metadata."""
    before, _, rest = card.read_text(encoding="utf-8").partition(FIGURES_BEGIN)
    _, _, after = rest.partition(FIGURES_END)
    tables = "\n".join([*figures_table(measured), "", *kinds_table(kinds)])
    card.write_text(f"{before}{FIGURES_BEGIN}\n{tables}\n{FIGURES_END}{after}", encoding="utf-8")
