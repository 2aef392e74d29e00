"""Volumetry of the hippocampus: a brain MR study in, outlined hippocampi with their volumes and doubts out."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines import hippocampi, segmentation_files
from pipelines.core.entry import Entry
from pipelines.core.receipt import code_digest, input_digests, processor, sealed
from pipelines.core.types import (
    Explanation,
    ImageReading,
    InstanceFile,
    Laterality,
    ModelRef,
    Reading,
    Receipt,
    Subject,
)
from pipelines.hippocampal_series import rank
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.grid import Volume
from pipelines.imaging.localise import is_whole_head, locate_hippocampi
from pipelines.imaging.regions import with_spacing
from pipelines.imaging.volume import check_values, read_volume
from pipelines.imaging.volume_plan import VolumePlan
from pipelines.nets import volume_cam
from pipelines.nets.bundle import open_bundle
from pipelines.nets.cam import is_degenerate
from pipelines.nets.ladder import CPU, Rung, descend, free_memory, refusal, rungs
from pipelines.nets.segmenter import build_members, read_segmentation
from pipelines.nets.sliding import window_at
from pipelines.nets.views import Engines
from pipelines.outlines import STEP, Crop, Outline, centred, cut, outlined, tiling, whole
from pipelines.pipeline import Pipeline
from pipelines.series import Choice, choose_series

_BATCH: Final = 4  # windows
#: What stays and what comes beside a source volume, in bytes a voxel: float32 values and a turned copy, then labels and
#: one map at a time with its compressed form.
_BYTES_A_VOXEL: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """The chosen series' volume."""

    choice: Choice
    volume: Volume
    laterality: Laterality | None


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The crops to outline; `localisation` is the registration's score, None where the source is a crop already."""

    loaded: Loaded
    crops: tuple[Crop, ...]
    localisation: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Inferred:
    """Outlines, and the rung of the ladder that made them."""

    prepared: Prepared
    outlines: tuple[Outline, ...]
    rung: Rung


@dataclass(frozen=True, slots=True, eq=False)
class Explained(Inferred):
    """For each outline a map (x, y, z) 0-1 on its crop, and what may be said of it."""

    cams: tuple[NDArray[np.float32], ...] = field(default=())
    explanations: tuple[Explanation, ...] = field(default=())


class HippocampusSegmentation(Pipeline[Loaded, Prepared, Inferred, Explained]):
    """Outlines the hippocampi of a study by the bundle in `model_folder`; deterministic on a CPU."""

    def __init__(
        self, model_folder: Path, entry: Entry, decoder: Decoder | None = None, *, memory_bytes: int | None = None
    ) -> None:
        """Load the model; `memory_bytes` is what this process may hold in all. Raises ModelError, WeightsRefused."""
        self._entry = entry
        self._bundle = open_bundle(model_folder)
        self._model = read_segmentation(self._bundle)
        self._networks = build_members(self._bundle)
        self._engines = Engines(self._networks)
        self._errors = {name: hippocampi.VolumeError(*error) for name, error in self._model.volume_errors.items()}
        self._filters = int(self._bundle.inference["network_def"]["filters"][0])
        self._memory_bytes = memory_bytes
        self._decoder = decoder or Decoder()
        self._decoder.start()

    @property
    def model(self) -> ModelRef:
        """The weights in use."""
        return ModelRef(self._bundle.name, self._bundle.version, self._bundle.weights_sha256)

    @property
    def decoder(self) -> Decoder:
        """The decoding child, for those who have files to read beside."""
        return self._decoder

    def load(self, subject: Subject) -> Loaded:
        """Choose the series by its header, see that its volume will fit, and read it.

        Raises UnsuitableInput (codes of docs/volumes.md, wrong_contrast, slices_too_thick, field_of_view_too_small,
        no_usable_series), OutOfMemory before anything is read, and what the decoder raises.
        """
        choice = choose_series(self._entry.accepts.taken_of(subject.instances), self._decoder, rank)
        least = self._ladder()[-1]
        needed, free = self._needed(choice.plan, least, _BYTES_A_VOXEL), free_memory(CPU, self._memory_bytes)
        if needed > free:
            raise refusal(needed, free)
        volume = read_volume(choice.plan, self._decoder)
        check_values(volume)
        return Loaded(choice, volume, choice.plan.instances[0].laterality)

    def preprocess(self, loaded: Loaded) -> Prepared:
        """A whole head gives a box for each side, a crop is taken whole; raises UnsuitableInput localisation_poor."""
        if not is_whole_head(loaded.volume.grid):
            side = loaded.laterality if loaded.laterality in {Laterality.LEFT, Laterality.RIGHT} else None
            return Prepared(loaded, (whole(with_spacing(loaded.volume, self._model.spacing_mm), side),), None)
        located = locate_hippocampi(loaded.volume)
        crops = [cut(loaded.volume, grid, side) for side, grid in sorted(located.boxes.items())]
        return Prepared(loaded, tuple(crops), located.score)

    def infer(self, prepared: Prepared) -> Inferred:
        """Outline every crop on the highest rung that fits; raises OutOfMemory below the last one."""
        plan = prepared.loaded.choice.plan
        outlines, rung = descend(
            self._ladder(),
            lambda rung: self._needed(plan, rung, _BYTES_A_VOXEL // 2),
            lambda device: free_memory(device, self._memory_bytes),
            lambda rung: tuple(self._outline(prepared, crop, rung) for crop in prepared.crops),
        )
        return Inferred(prepared, outlines, rung)

    def explain(self, inferred: Inferred) -> Explained:
        """Seg-Grad-CAM of every outline, in the window around it, averaged over the members."""
        pairs = [self._explain(outline, inferred.rung) for outline in inferred.outlines]
        return Explained(
            inferred.prepared,
            inferred.outlines,
            inferred.rung,
            tuple(cam for cam, _ in pairs),
            tuple(explanation for _, explanation in pairs),
        )

    def postprocess(self, explained: Explained) -> Reading:
        """Everything back onto the source grid, findings, urgency and receipt."""
        loaded, measured = explained.prepared.loaded, [outline.measured for outline in explained.outlines]
        worst = hippocampi.worst(measured)
        artifacts = segmentation_files.artifacts(
            loaded.choice.plan, loaded.volume, explained.outlines, explained.cams, self._model.structures
        )
        names = tuple(artifact.name for artifact in artifacts)
        instance = loaded.choice.plan.instances[0]
        return Reading(
            pipeline=self._entry.name,
            model=self.model,
            findings=hippocampi.findings(measured, self._errors),
            images=tuple(
                _image(instance, each, explanation, names)
                for each, explanation in zip(measured, explained.explanations, strict=True)
            ),
            quality=worst.quality,
            abstained=worst.abstain_reason is not None,
            abstain_reason=worst.abstain_reason,
            urgency=hippocampi.urgency(measured),
            explanation=explained.explanations[measured.index(worst)],
            artifacts=artifacts,
            seconds={},
            receipt=self._receipt(explained),
        )

    def segment(self, subject: Subject) -> Inferred:
        """The first three steps alone: outlines, abstained or not."""
        return self.infer(self.preprocess(self.load(subject)))

    def close(self) -> None:
        """End the decoding child and let the compiled networks go."""
        self._engines.free()
        self._decoder.close()

    def _ladder(self) -> list[Rung]:
        x, y, z = (side + STEP for side in self._model.patch)
        return rungs((x, y, z), _BATCH, self._engines.first.device, STEP)

    def _needed(self, plan: VolumePlan, rung: Rung, bytes_a_voxel: int) -> int:
        on_gpu = 0 if rung.device == CPU else plan.voxels * bytes_a_voxel
        return rung.bytes(self._filters) + plan.voxels * bytes_a_voxel - on_gpu

    def _outline(self, prepared: Prepared, crop: Crop, rung: Rung) -> Outline:
        engine = self._engines.on(rung.device)
        if prepared.localisation is not None:
            crop = centred(prepared.loaded.volume, crop, self._model, engine, rung)
        return outlined(crop, self._model, engine, rung)

    def _explain(self, outline: Outline, rung: Rung) -> tuple[NDArray[np.float32], Explanation]:
        where = np.argwhere(outline.structure)
        middle = where.mean(axis=0) if len(where) else (np.array(outline.crop.shape) - 1) / 2
        window = window_at(outline.crop.shape, middle, tiling(outline.crop, self._model, rung).window)
        engine, structure = self._engines.on(rung.device), window.cut(outline.structure)
        seen = window.cut(outline.normalised)
        maps = [
            volume_cam.structure_cam(network, engine.inside(number, seen), structure)
            for number, network in enumerate(self._networks)
        ]
        cam = window.back(np.mean(maps, axis=0, dtype=np.float32))
        return cam, self._judge(cam, maps, outline)

    def _judge(self, cam: NDArray[np.float32], maps: Sequence[NDArray[np.float32]], outline: Outline) -> Explanation:
        """How far the map may be trusted, in figures and in a sentence where it may not."""
        figures = {"near_structure": volume_cam.near(cam, outline.structure, outline.crop.volume.grid.spacing)}
        agreement = volume_cam.agreement(maps)
        if agreement is not None:
            figures["agreement"] = agreement
        doubt = _doubt(cam, figures["near_structure"], outline)
        return Explanation(
            method="seg-grad-cam",
            layer=volume_cam.layer_of(self._networks[0]),
            target="hippocampus",
            trust={name: round(value, 4) for name, value in figures.items()},
            reliable=doubt is None,
            note=doubt,
        )

    def _receipt(self, explained: Explained) -> Receipt:
        rung, choice = explained.rung, explained.prepared.loaded.choice
        engine = self._engines.on(rung.device)
        score = explained.prepared.localisation
        parameters: Mapping[str, object] = {
            **choice.described(),
            "localisation_score": None if score is None else round(score, 4),
            "volumes_counted_at_mm": self._model.spacing_mm,
            "quality_threshold": self._model.quality.threshold,
            "plausible_ml": list(hippocampi.PLAUSIBLE_ML),
            "mirrors": [list(axes) for axes in self._model.mirrors],
            "overlap": self._model.overlap,
        }
        return sealed(
            Receipt(
                digest="",
                inputs=input_digests(instance.sha256 for instance in choice.plan.instances),
                weights=self._bundle.weights_sha256,
                configuration=self._bundle.configuration_sha256,
                code=code_digest(),
                engine=engine.name,
                engine_version=engine.version,
                precision=engine.precision,
                threads=engine.threads,
                batch_shape=(rung.batch, 1, *rung.window),
                device=engine.device,
                processor=processor() if engine.device == CPU else torch.cuda.get_device_name(),
                ladder=rung.name,
                parameters=parameters,
                host=socket.gethostname(),
            )
        )


def _doubt(cam: NDArray[np.float32], near: float, outline: Outline) -> str | None:
    """Why a map should not be relied on; None where nothing speaks against it."""
    if is_degenerate(cam):
        return "the map is degenerate: nothing in the volume speaks for the structure"
    if near < volume_cam.LEAST_NEAR:
        return f"much of the map lies more than {volume_cam.NEAR_MM:g} mm from the outline"
    if outline.measured.abstain_reason:
        return "the outline itself is in doubt"
    return None


def _image(
    instance: InstanceFile, measured: hippocampi.Measured, explanation: Explanation, names: tuple[str, ...]
) -> ImageReading:
    return ImageReading(
        sop_instance_uid=instance.sop_instance_uid,
        laterality=measured.laterality,
        quality=measured.quality,
        abstained=measured.abstain_reason is not None,
        abstain_reason=measured.abstain_reason,
        explanation=explanation,
        artifacts=names,
    )
