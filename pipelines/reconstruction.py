"""Images from raw MRI data: undersampled k-space in, an image series out, with what was measured and what inferred."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

import numpy as np
import torch

from pipelines import reconstruction_files
from pipelines.core import codes
from pipelines.core.entry import Entry
from pipelines.core.errors import ModelError, UnsuitableInput
from pipelines.core.receipt import code_digest, input_digests, processor, sealed
from pipelines.core.types import (
    Code,
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
from pipelines.imaging import fidelity
from pipelines.imaging.acquired import Reconstructor
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.fourier import calibration_region
from pipelines.imaging.kspace import KspaceHeader, Survey
from pipelines.nets.bundle import Bundle, open_bundle
from pipelines.nets.reconstructors import reconstructors
from pipelines.pipeline import Pipeline
from pipelines.reconstruction_files import Placed
from pipelines.reconstruction_slabs import LADDER, Volumes, reconstruct, slab_planes

_NEEDS_NOTHING: Final = "zero_filled"  # the one method that fills nothing and needs no calibration
_LEAST_LINES: Final = 3
#: Share of the tissue that has to be checked and unsuspicious for a reader to rely on the image.
LEAST_SUPPORTED: Final = 0.3
#: Share of the tissue that may be flagged; perfect images of sixteen test cases had 2.5 % at most.
MOST_UNSUPPORTED: Final = 0.05
UNSUPPORTED: Final = "unsupported_structure"
UNVERIFIABLE: Final = "unverifiable"
_NO_HEAT_MAP: Final = Explanation(
    method="none",
    layer="none",
    target="none",
    reliable=False,
    note=(
        "a reconstruction chooses no class whose evidence could be located, so there is no Grad-CAM; "
        "the panel of measured, inferred, uncertain and contradicted parts stands in its place"
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """The file, what it says, and what its samples are."""

    instance: InstanceFile
    header: KspaceHeader
    survey: Survey


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """How the file will be gone through: `slab` neighbouring planes at a time."""

    loaded: Loaded
    slab: int


@dataclass(frozen=True, slots=True, eq=False)
class Inferred:
    """All images, in planes."""

    prepared: Prepared
    volumes: Volumes


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """The images as slices, and how far the data support them."""

    inferred: Inferred
    placed: Placed
    quality: Quality
    unsupported: float


class Reconstruction(Pipeline[Loaded, Prepared, Inferred, Explained]):
    """Reconstructs one raw data file by the method of its entry; deterministic on a CPU."""

    def __init__(
        self, model_folder: Path, entry: Entry, decoder: Decoder | None = None, *, memory_bytes: int | None = None
    ) -> None:
        """Load the model; raises ModelError or WeightsRefused. `memory_bytes` is what this process may hold."""
        self._entry = entry
        self._bundle: Bundle = open_bundle(model_folder)
        name = entry.parameters.get("method", "")
        methods = reconstructors(self._bundle)
        if name not in methods:
            raise ModelError("the entry names no method of reconstruction")
        self.methods: Mapping[str, Reconstructor] = methods
        self._method: Reconstructor = methods[name]
        self._memory_bytes = memory_bytes
        self._decoder = decoder or Decoder()
        self._decoder.start()

    @property
    def model(self) -> ModelRef:
        """The weights in use; the classical methods take their settings from the same bundle."""
        return ModelRef(self._bundle.name, self._bundle.version, self._bundle.weights_sha256)

    @property
    def decoder(self) -> Decoder:
        """The decoding child."""
        return self._decoder

    def load(self, subject: Subject) -> Loaded:
        """Read header and samples once; raises UnsuitableInput, OutOfMemory and what Decoder.kspace_survey raises."""
        chosen = self._entry.accepts.taken_of(subject.instances)
        if len(chosen) != 1:
            raise UnsuitableInput("a series of raw data has one file", files=len(chosen))
        header = self._decoder.kspace_header(chosen[0].path)
        slab_planes(header, self._memory_bytes)
        return Loaded(chosen[0], header, self._decoder.kspace_survey(chosen[0].path))

    def preprocess(self, loaded: Loaded) -> Prepared:
        """Choose how much to hold at a time; raises UnsuitableInput where the method lacks its calibration lines."""
        if self._method.name != _NEEDS_NOTHING:
            check_calibration(loaded.survey)
        return Prepared(loaded, slab_planes(loaded.header, self._memory_bytes))

    def infer(self, prepared: Prepared) -> Inferred:
        """Reconstruct slab by slab; each slab is checked against its samples while they are at hand."""
        loaded = prepared.loaded
        path, survey = loaded.instance.path, loaded.survey
        volumes = reconstruct(path, self._decoder, survey, self._method, prepared.slab, lambda _share: None)
        if not np.isfinite(volumes.image).all() or not volumes.image.any():
            raise UnsuitableInput("the reconstruction is empty or holds values that are no numbers", code="empty_image")
        return Inferred(prepared, volumes)

    def explain(self, inferred: Inferred) -> Explained:
        """How much of the image the measured data support; there is no heat-map, see the explanation's note."""
        volumes = inferred.volumes
        tissue = max(int(volumes.tissue.sum()), 1)
        supported = float((volumes.tissue & volumes.checked & ~volumes.flagged).sum() / tissue)
        unsupported = float((volumes.tissue & volumes.flagged).sum() / tissue)
        reasons = (
            *([UNSUPPORTED] * (unsupported > MOST_UNSUPPORTED)),
            *([UNVERIFIABLE] * (supported < LEAST_SUPPORTED)),
        )
        survey = inferred.prepared.loaded.survey
        quality = Quality(not reasons, round(supported, 4), reasons)
        return Explained(inferred, reconstruction_files.placed(volumes, survey), quality, unsupported)

    def postprocess(self, explained: Explained) -> Reading:
        """Acceleration, figures against a reference where the file holds one, the files and the receipt."""
        prepared, quality = explained.inferred.prepared, explained.quality
        loaded = prepared.loaded
        files, panels = reconstruction_files.artifacts(
            explained.placed, loaded.header, loaded.survey, self._method.name
        )
        reason = UNSUPPORTED if quality.reasons else None
        is_flagged = bool(explained.inferred.volumes.flagged.any())
        image = ImageReading(
            sop_instance_uid=loaded.instance.sop_instance_uid,
            laterality=None,
            quality=quality,
            abstained=reason is not None,
            abstain_reason=reason,
            explanation=_NO_HEAT_MAP,
            artifacts=tuple(artifact.name for artifact in files),
        )
        return Reading(
            pipeline=self._entry.name,
            model=self.model,
            findings=(_acceleration(loaded.survey), *self._against_reference(explained)),
            images=(image,),
            quality=quality,
            abstained=image.abstained,
            abstain_reason=reason,
            urgency=Urgency.CHECK if is_flagged or reason else Urgency.ROUTINE,
            explanation=_NO_HEAT_MAP,
            artifacts=files,
            seconds={},
            receipt=self._receipt(explained, panels),
        )

    def close(self) -> None:
        """End the decoding child."""
        self._decoder.close()

    def _against_reference(self, explained: Explained) -> tuple[Finding, ...]:
        """SSIM, PSNR and NMSE against the file's own fully sampled images, where they have the same pixels."""
        loaded = explained.inferred.prepared.loaded
        if not loaded.header.has_reference:
            return ()
        reference = self._decoder.kspace_reference(loaded.instance.path)
        image = explained.placed.image
        if reference.shape != image.shape or not reference.any() or min(image.shape[1:]) < fidelity.WINDOW:
            return ()
        figures = (
            (codes.SSIM, "ssim", fidelity.ssim(image, reference), "1"),
            (codes.PSNR, "psnr", fidelity.psnr(image, reference), "dB"),
            (codes.NMSE, "nmse", fidelity.nmse(image, reference), "1"),
        )
        return tuple(_figure(*figure) for figure in figures if isfinite(figure[2]))

    def _receipt(self, explained: Explained, panels: tuple[dict[str, object], ...]) -> Receipt:
        prepared, volumes = explained.inferred.prepared, explained.inferred.volumes
        loaded = prepared.loaded
        survey = loaded.survey
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return sealed(
            Receipt(
                digest="",
                inputs=input_digests([loaded.instance.sha256]),
                weights=self._bundle.weights_sha256,
                configuration=self._bundle.configuration_sha256,
                code=code_digest(),
                engine="torch",
                engine_version=str(torch.__version__),
                precision="f32",
                threads=torch.get_num_threads(),
                batch_shape=(prepared.slab, len(survey.coils), survey.rows, survey.columns),
                device=device,
                processor=processor() if device == "cpu" else torch.cuda.get_device_name(),
                ladder="full" if prepared.slab == LADDER[0] else f"slabs of {prepared.slab}",
                parameters={
                    "method": self._method.name,
                    "coils": len(survey.coils),
                    "quality_threshold": LEAST_SUPPORTED,
                    "supported": explained.quality.score,
                    "unsupported": round(explained.unsupported, 4),
                    "residual": float(f"{volumes.acquired_residual:.3g}"),
                    "residual_between_coils": round(float(np.mean(volumes.residual)), 4),
                    "flagged": sum(int(str(panel["flagged"])) for panel in panels),
                    "geometry": survey.geometry.value,
                    "panels": list(panels),
                    "notes": [note.sentence for note in survey.notes],
                },
                host=socket.gethostname(),
            )
        )


def check_calibration(survey: Survey) -> None:
    """Raises UnsuitableInput (kspace_no_calibration) where the middle of k-space is not fully sampled."""
    if survey.masks.all():
        return
    shared = np.asarray(survey.masks.all(axis=0)) if survey.is_by_line else survey.masks
    rows, columns = calibration_region(shared)
    lines = len(range(survey.rows)[rows])
    if survey.masks.ndim == 2 and not survey.is_by_line:
        lines = min(lines, len(range(survey.columns)[columns]))
    if lines < _LEAST_LINES:
        raise UnsuitableInput(
            "the middle of k-space is not fully sampled, so coils cannot be calibrated; zero-filling works without",
            code="kspace_no_calibration",
            lines=lines,
            needed=_LEAST_LINES,
        )


def _acceleration(survey: Survey) -> Finding:
    return _figure(codes.ACCELERATION, "acceleration", max(survey.acceleration, 1.0), "1", 2)


def _figure(code: Code, label: str, value: float, unit: str, digits: int = 4) -> Finding:
    return Finding(code=code, label=label, value=round(value, digits), unit=unit)
