"""What is said of one image that a bundle read: findings, quality, explanation and the files to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines import bundle_findings
from pipelines.bundle_findings import Labelled
from pipelines.bundle_pictures import fitted, heat_overlay, label_picture, on_source, outlines, spread, volume_artifact
from pipelines.core.errors import ModelError
from pipelines.core.types import Artifact, Explanation, Finding, ImageReading, InstanceFile, Quality
from pipelines.core.zoo import Task, ZooBundle
from pipelines.imaging.grid import Grid, Volume
from pipelines.imaging.picture import Rgb
from pipelines.imaging.segments import LABELS_NAME, Segment, segments_artifact, segments_of
from pipelines.imaging.volume_plan import VolumePlan
from pipelines.nets.zoo_explain import Shown
from pipelines.nets.zoo_run import Inferred, Placed

#: A reading less sure than this, on average, is put before a person; a bundle brings no threshold of its own.
LEAST_CONFIDENCE: Final = 0.5
LOW_CONFIDENCE: Final = "low_confidence"
_UNVALIDATED: Final = "the bundle's maker did not state how far such maps can be relied on"
_NOTHING: Final = "nothing was found whose evidence could be shown, or the network shows no layer"
_DEGENERATE: Final = "the map is degenerate: no place speaks for this more than any other"


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What the bundle reads: (c, i, j[, k]) float32 with its affine; a planned `volume` or a `picture` to look at."""

    number: int
    instances: tuple[InstanceFile, ...]
    array: NDArray[np.float32]
    affine: NDArray[np.float64]
    plan: VolumePlan | None
    picture: Rgb | None

    @property
    def name(self) -> str:
        """What artifacts of a picture are called by."""
        return str(self.number + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """An image with what the network said of it; `shape` is what the network read."""

    given: Given
    shape: tuple[int, ...]
    inferred: Inferred


@dataclass(frozen=True, slots=True, eq=False)
class Explained(Answered):
    """An answer with its heat-map, if any, and what the bundle's post-processing made of it."""

    shown: Shown | None
    made: Placed


@dataclass(frozen=True, slots=True)
class Part:
    """What is said of one image."""

    findings: tuple[Finding, ...]
    image: ImageReading
    artifacts: tuple[Artifact, ...]


def read_part(bundle: ZooBundle, each: Explained, suffix: str) -> Part:
    """All that is said of one image; `suffix` tells its labels from those of other pictures. Raises ModelError."""
    if bundle.task is Task.SEGMENTATION:
        return _segmented(bundle, each, suffix)
    if bundle.task is Task.REGRESSION:
        # A number comes with no probability: nothing says how sure the network is of it.
        return _whole(bundle, each, bundle_findings.numbers(each.made.array, bundle.structures, suffix), 1.0)
    said = each.inferred
    findings = bundle_findings.classes(said.probabilities, bundle.structures, said.exclusive, suffix)
    return _whole(bundle, each, findings, said.confidence)


def _segmented(bundle: ZooBundle, each: Explained, suffix: str) -> Part:
    found = bundle_findings.labelled(each.made.array, bundle.structures)
    confidence = round(each.inferred.confidence, 4)
    if not any(found.voxels.values()):
        quality = Quality(True, 0.0, ("no_structure",))
    else:
        quality = Quality(confidence >= LEAST_CONFIDENCE, confidence)
    if each.given.plan is not None:
        findings, artifacts = _in_volume(each, found, each.given.plan)
    else:
        found = _fitted(found, each.given)
        findings = bundle_findings.areas(found, suffix)
        artifacts = (label_picture(each.given.name, found), *_overlay(each))
    return _part(bundle, each, findings, quality, artifacts)


def _in_volume(each: Explained, found: Labelled, plan: VolumePlan) -> tuple[tuple[Finding, ...], tuple[Artifact, ...]]:
    """Volumes counted where the bundle left its labels, and these brought onto the source's grid."""
    if each.made.affine is None or found.labels.ndim != len(plan.grid.shape):
        raise ModelError("the bundle's labels do not say where in the patient they lie", code="bundle_failed")
    x, y, z = found.labels.shape
    made = Grid((x, y, z), each.made.affine)
    labels = on_source(found.labels, each.made.affine, plan.grid)
    segments = [Segment(one.number, one.name, one.code, (), one.laterality) for one in found.structures]
    artifacts = [
        _source(each, plan),
        volume_artifact(LABELS_NAME, "segmentation", labels, plan.grid),
        segments_artifact(segments_of(plan, segments)),
        outlines(Volume(each.given.array[0], plan.grid), labels, found),
    ]
    unsure = each.inferred.uncertainty
    if unsure is not None and unsure.affine is not None:
        values = spread(unsure.array[0], unsure.affine, plan.grid)
        artifacts.append(volume_artifact("uncertainty.nii.gz", "uncertainty", values, plan.grid))
        artifacts += _heat(each.shown, unsure.affine, plan.grid)
    return bundle_findings.volumes(found, made.voxel_ml), tuple(artifacts)


def _whole(bundle: ZooBundle, each: Explained, findings: tuple[Finding, ...], confidence: float) -> Part:
    quality = Quality(confidence >= LEAST_CONFIDENCE, round(confidence, 4))
    plan, place = each.given.plan, each.made.affine
    if plan is None:
        return _part(bundle, each, findings, quality, _overlay(each))
    heat = _heat(each.shown, place, plan.grid) if place is not None else []
    return _part(bundle, each, findings, quality, (_source(each, plan), *heat))


def _part(
    bundle: ZooBundle,
    each: Explained,
    findings: tuple[Finding, ...],
    quality: Quality,
    artifacts: tuple[Artifact, ...],
) -> Part:
    image = ImageReading(
        sop_instance_uid=each.given.instances[0].sop_instance_uid,
        laterality=None,
        quality=quality,
        abstained=not quality.gradable,
        abstain_reason=None if quality.gradable else LOW_CONFIDENCE,
        explanation=_explanation(bundle, each.shown),
        artifacts=tuple(artifact.name for artifact in artifacts),
    )
    return Part(findings, image, artifacts)


def _explanation(bundle: ZooBundle, shown: Shown | None) -> Explanation:
    if shown is None:
        return Explanation("none", "", "", {}, reliable=False, note=_NOTHING)
    target = bundle.structures.get(shown.channel, f"channel {shown.channel}")
    figures = {} if shown.inside is None else {"inside_structure": round(shown.inside, 4)}
    note = _UNVALIDATED if shown.heat.any() else _DEGENERATE
    return Explanation("grad-cam", shown.layer, target, figures, reliable=False, note=note)


def _source(each: Explained, plan: VolumePlan) -> Artifact:
    return volume_artifact("volume.nii.gz", "volume", each.given.array[0], plan.grid)


def _heat(shown: Shown | None, affine: NDArray[np.float64], grid: Grid) -> list[Artifact]:
    if shown is None:
        return []
    return [volume_artifact("gradcam.nii.gz", "explanation", spread(shown.heat, affine, grid), grid)]


def _fitted(found: Labelled, given: Given) -> Labelled:
    labels = fitted(found.labels, (given.array.shape[1], given.array.shape[2]))
    counts = np.bincount(labels.ravel(), minlength=256)
    return Labelled(labels, found.structures, {each.number: int(counts[each.number]) for each in found.structures})


def _overlay(each: Explained) -> tuple[Artifact, ...]:
    if each.shown is None or each.given.picture is None:
        return ()
    return (heat_overlay(each.given.name, each.given.picture, each.shown.heat),)
