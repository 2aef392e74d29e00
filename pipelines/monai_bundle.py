"""Somebody else's MONAI bundle: a series in, what the bundle's own steps say of it out, on our geometry."""

from __future__ import annotations

import math
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines import bundle_findings
from pipelines.bundle_findings import Labelled
from pipelines.bundle_pictures import (
    fitted,
    grey,
    heat_overlay,
    label_picture,
    on_source,
    spread,
    volume_artifact,
)
from pipelines.core.entry import Entry
from pipelines.core.errors import ModelError, OutOfMemory, UnsuitableInput, WeightsRefused
from pipelines.core.receipt import code_digest, input_digests, processor, sealed
from pipelines.core.types import (
    Artifact,
    Explanation,
    Finding,
    ImageReading,
    InstanceFile,
    ModelRef,
    Quality,
    Reading,
    Receipt,
    Subject,
    Urgency,
)
from pipelines.core.zoo import Task, Trust, ZooBundle
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.grid import Volume
from pipelines.imaging.picture import Rgb
from pipelines.imaging.volume import check_values, read_volume
from pipelines.imaging.volume_plan import plan_volume
from pipelines.nets.zoo_check import Wishes
from pipelines.nets.zoo_explain import Shown
from pipelines.nets.zoo_open import opened
from pipelines.nets.zoo_run import Inferred, Placed
from pipelines.pipeline import Pipeline

#: A series of more pictures than this is a film, or a mistake.
MAX_PICTURES: Final = 100
#: A reading less sure than this, on average, is put before a person; a bundle brings no threshold of its own.
LEAST_CONFIDENCE: Final = 0.5
#: Copies of the network's input and output that are held at once, as float32.
_COPIES: Final = 3
_FLOAT_BYTES: Final = 4
_UNVALIDATED: Final = "the bundle's maker did not state how far such maps can be relied on"


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What the bundle reads: (c, i, j[, k]) float32 with its affine; `volume` or `picture` is what a person sees."""

    number: int
    instances: tuple[InstanceFile, ...]
    array: NDArray[np.float32]
    affine: NDArray[np.float64]
    volume: Volume | None
    picture: Rgb | None
    notes: tuple[str, ...] = ()

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


class MonaiBundle(
    Pipeline[Sequence[Given], Sequence[tuple[Given, tuple[int, ...]]], Sequence[Answered], Sequence[Explained]]
):
    """Runs the bundle in `model_folder` on one series; deterministic on a CPU."""

    def __init__(
        self, model_folder: Path, entry: Entry, decoder: Decoder | None = None, *, memory_bytes: int | None = None
    ) -> None:
        """Load the bundle; raises WeightsRefused where its files are not the registered ones, BundleRefused."""
        self._entry = entry
        self._memory_bytes = memory_bytes
        told = entry.parameters
        wishes = Wishes(Trust(told["trust"]), name=entry.name, modality=told["modalities"].split("+")[0])
        loaded = opened(model_folder, wishes, told.get("isolation") != "optional", memory_bytes)
        self._bundle: ZooBundle = loaded.bundle
        self._runner = loaded.runner
        if self._bundle.digest != told["digest"]:
            self._runner.close()
            raise WeightsRefused(pinned=told["digest"], actual=self._bundle.digest)
        self._decoder = decoder or Decoder()

    @property
    def model(self) -> ModelRef:
        """The weights in use."""
        return ModelRef(self._bundle.name, self._bundle.version, self._bundle.weights_sha256)

    def load(self, subject: Subject) -> Sequence[Given]:
        """Read the series as one volume, or picture by picture; raises what the geometry gate and the decoder raise."""
        takes = self._entry.accepts.takes
        chosen = [each for each in subject.instances if takes(each.modality, each.sop_class_uid)]
        if not chosen:
            raise UnsuitableInput("the series holds no image that the bundle reads")
        if self._bundle.dimensions == 3:
            return [self._volume(chosen)]
        if len(chosen) > MAX_PICTURES:
            raise UnsuitableInput("the series holds more pictures than are read at once", pictures=len(chosen))
        return [self._picture(number, instance) for number, instance in enumerate(_in_order(chosen))]

    def preprocess(self, loaded: Sequence[Given]) -> Sequence[tuple[Given, tuple[int, ...]]]:
        """The bundle's own pre-processing, its file loaders left out; raises UnsuitableInput, OutOfMemory."""
        self._runner.forget()
        prepared = []
        for given in loaded:
            shape = self._runner.prepare(given.number, given.array, given.affine)
            self._refuse_large(shape)
            prepared.append((given, shape))
        return prepared

    def infer(self, prepared: Sequence[tuple[Given, tuple[int, ...]]]) -> Sequence[Answered]:
        """The bundle's own inferer."""
        return [Answered(given, shape, self._runner.infer(given.number)) for given, shape in prepared]

    def explain(self, inferred: Sequence[Answered]) -> Sequence[Explained]:
        """Grad-CAM, and the bundle's own post-processing, its file savers left out."""
        explained = []
        for each in inferred:
            shown = self._runner.explain(each.given.number)
            made = self._runner.finish(each.given.number)
            explained.append(Explained(each.given, each.shape, each.inferred, shown, made))
        return explained

    def postprocess(self, explained: Sequence[Explained]) -> Reading:
        """Findings, pictures and receipt; a person has to look where the bundle is unsure or found nothing."""
        self._runner.forget()
        parts = [self._part(each, f"_{each.given.name}" if len(explained) > 1 else "") for each in explained]
        images = tuple(part.image for part in parts)
        worst = min(images, key=lambda image: image.quality.score)
        unsure = not worst.quality.gradable
        return Reading(
            pipeline=self._entry.name,
            model=self.model,
            findings=tuple(finding for part in parts for finding in part.findings),
            images=images,
            quality=worst.quality,
            abstained=unsure,
            abstain_reason=worst.abstain_reason,
            urgency=Urgency.CHECK if unsure else Urgency.ROUTINE,
            explanation=worst.explanation,
            artifacts=tuple(artifact for part in parts for artifact in part.artifacts),
            seconds={},
            receipt=self._receipt(explained),
        )

    def close(self) -> None:
        """End the decoding child and what runs the bundle."""
        self._decoder.close()
        self._runner.close()

    def _volume(self, instances: Sequence[InstanceFile]) -> Given:
        plan = plan_volume(instances, self._decoder)
        volume = read_volume(plan, self._decoder)
        check_values(volume)
        notes = tuple(note.code for note in plan.notes)
        return Given(0, plan.instances, volume.array[None], volume.grid.affine, volume, None, notes)

    def _picture(self, number: int, instance: InstanceFile) -> Given:
        # Columns before rows: the order in which MONAI's own readers hand on pictures, hence what networks learned.
        if self._bundle.channels == 1:
            frames = self._decoder.frames(instance.path).array
            if len(frames) != 1:
                raise UnsuitableInput("a picture of several frames is not read here", frames=len(frames))
            return Given(number, (instance,), frames.transpose(0, 2, 1), np.eye(4), None, grey(frames[0]))
        picture = self._decoder.decode_dicom(instance.path).array
        array = np.ascontiguousarray(picture.transpose(2, 1, 0), np.float32)
        return Given(number, (instance,), array, np.eye(4), None, picture)

    def _refuse_large(self, shape: tuple[int, ...]) -> None:
        channels = max(self._bundle.structures, default=0) + 1
        needed = math.prod(shape[1:]) * (shape[0] + channels) * _COPIES * _FLOAT_BYTES
        if self._memory_bytes is not None and needed > self._memory_bytes:
            raise OutOfMemory("the bundle's network needs more memory than it may have", bytes=needed)

    def _part(self, each: Explained, suffix: str) -> _Part:
        if self._bundle.task is Task.SEGMENTATION:
            return self._segmented(each, suffix)
        if self._bundle.task is Task.REGRESSION:
            findings = bundle_findings.numbers(each.made.array, self._bundle.structures, suffix)
            return self._whole(each, findings, 1.0)
        names, exclusive = self._bundle.structures, each.inferred.exclusive
        findings = bundle_findings.classes(each.inferred.probabilities, names, exclusive, suffix)
        return self._whole(each, findings, each.inferred.confidence)

    def _segmented(self, each: Explained, suffix: str) -> _Part:
        found = bundle_findings.labelled(each.made.array, self._bundle.structures)
        confidence = round(each.inferred.confidence, 4)
        empty = not any(found.voxels.values())
        sure = Quality(empty or confidence >= LEAST_CONFIDENCE, 0.0 if empty else confidence, ("no_structure",) * empty)
        if each.given.volume is None:
            found = _fitted(found, each.given)
            findings = bundle_findings.areas(found, suffix)
            artifacts = (label_picture(each.given.name, found), *_overlay(each))
        else:
            findings, artifacts = self._in_volume(each, found, each.given.volume)
        return self._made(each, findings, sure, artifacts)

    def _in_volume(
        self, each: Explained, found: Labelled, volume: Volume
    ) -> tuple[tuple[Finding, ...], tuple[Artifact, ...]]:
        if each.made.affine is None or found.labels.ndim != volume.array.ndim:
            raise ModelError("the bundle's labels do not say where in the patient they lie", code="bundle_failed")
        findings = bundle_findings.volumes(found, abs(float(np.linalg.det(each.made.affine[:3, :3]))) / 1000.0)
        labels = on_source(found.labels, each.made.affine, volume.grid)
        artifacts = [
            volume_artifact("volume.nii.gz", "volume", volume.array, volume.grid),
            volume_artifact("segmentation.nii.gz", "segmentation", labels, volume.grid),
        ]
        unsure = each.inferred.uncertainty
        if unsure is not None and unsure.affine is not None:
            values = spread(unsure.array[0], unsure.affine, volume.grid)
            artifacts.append(volume_artifact("uncertainty.nii.gz", "uncertainty", values, volume.grid))
        if each.shown is not None and unsure is not None and unsure.affine is not None:
            heat = spread(each.shown.heat, unsure.affine, volume.grid)
            artifacts.append(volume_artifact("gradcam.nii.gz", "explanation", heat, volume.grid))
        return findings, tuple(artifacts)

    def _whole(self, each: Explained, findings: tuple[Finding, ...], confidence: float) -> _Part:
        quality = Quality(confidence >= LEAST_CONFIDENCE, round(confidence, 4))
        volume, place = each.given.volume, each.made.affine
        if volume is None:
            return self._made(each, findings, quality, _overlay(each))
        artifacts = [volume_artifact("volume.nii.gz", "volume", volume.array, volume.grid)]
        if each.shown is not None and place is not None:
            heat = spread(each.shown.heat, place, volume.grid)
            artifacts.append(volume_artifact("gradcam.nii.gz", "explanation", heat, volume.grid))
        return self._made(each, findings, quality, tuple(artifacts))

    def _made(
        self, each: Explained, findings: tuple[Finding, ...], quality: Quality, artifacts: tuple[Artifact, ...]
    ) -> _Part:
        image = ImageReading(
            sop_instance_uid=each.given.instances[0].sop_instance_uid,
            laterality=None,
            quality=quality,
            abstained=not quality.gradable,
            abstain_reason=None if quality.gradable else "low_confidence",
            explanation=self._explanation(each.shown),
            artifacts=tuple(artifact.name for artifact in artifacts),
        )
        return _Part(findings, image, artifacts)

    def _explanation(self, shown: Shown | None) -> Explanation:
        if shown is None:
            note = "nothing was found whose evidence could be shown, or the network shows no layer"
            return Explanation("none", "", "", {}, reliable=False, note=note)
        target = self._bundle.structures.get(shown.channel, f"channel {shown.channel}")
        figures = {} if shown.inside is None else {"inside_structure": round(shown.inside, 4)}
        return Explanation("grad-cam", shown.layer, target, figures, reliable=False, note=_UNVALIDATED)

    def _receipt(self, explained: Sequence[Explained]) -> Receipt:
        cpu = self._runner.device == "cpu"
        return sealed(
            Receipt(
                digest="",
                inputs=input_digests(instance.sha256 for each in explained for instance in each.given.instances),
                weights=self._bundle.weights_sha256,
                configuration=self._bundle.digest,
                code=code_digest(),
                engine="torch",
                engine_version=torch.__version__,
                precision="float32",
                threads=torch.get_num_threads(),
                batch_shape=(1, *explained[0].shape),
                device=self._runner.device,
                processor=processor() if cpu else torch.cuda.get_device_name(),
                ladder="as the bundle says",
                parameters={
                    "trust": self._bundle.trust.value,
                    "task": self._bundle.task.value,
                    "geometry": list(explained[0].given.notes),
                },
                host=socket.gethostname(),
            )
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """What is said of one image."""

    findings: tuple[Finding, ...]
    image: ImageReading
    artifacts: tuple[Artifact, ...]


def _in_order(instances: Sequence[InstanceFile]) -> list[InstanceFile]:
    """By instance number, as a person would page through them; then by UID, so that the order is always the same."""
    return sorted(instances, key=lambda each: (each.instance_number or 0, each.sop_instance_uid))


def _fitted(found: Labelled, given: Given) -> Labelled:
    labels = fitted(found.labels, (given.array.shape[1], given.array.shape[2]))
    counts = np.bincount(labels.ravel(), minlength=256)
    return Labelled(labels, found.structures, {each.number: int(counts[each.number]) for each in found.structures})


def _overlay(each: Explained) -> tuple[Artifact, ...]:
    if each.shown is None or each.given.picture is None:
        return ()
    return (heat_overlay(each.given.name, each.given.picture, each.shown.heat),)
