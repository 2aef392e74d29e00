"""Diabetic retinopathy: the fundus photographs of one visit in, a grade with its explanation for each eye out."""

from __future__ import annotations

import io
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines import eyes
from pipelines.core.entry import Entry
from pipelines.core.errors import UnsuitableInput
from pipelines.core.receipt import code_digest, input_digests, processor, sealed
from pipelines.core.types import (
    Artifact,
    Explanation,
    ImageReading,
    InstanceFile,
    ModelRef,
    Quality,
    Reading,
    Receipt,
    Subject,
)
from pipelines.imaging import heatmap
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.fundus import Retina, assess_quality, find_retina, normalise, prepare
from pipelines.imaging.picture import DecodedImage, Rgb
from pipelines.nets import trust
from pipelines.nets.bundle import Bundle, open_bundle
from pipelines.nets.cam import Map, grad_cam, is_degenerate
from pipelines.nets.grading import Graded, read_grading
from pipelines.nets.precision import Engine, choose_engine, head_weights
from pipelines.pipeline import Pipeline

#: A visit takes two to twenty photographs; a hundred are a mistake, and memory has an end.
MAX_PHOTOGRAPHS: Final = 100
#: One photograph a forward pass: its numbers then never depend, not even in the last bit, on its companions.
_BATCH: Final = 1
_UNKNOWN_SIDE: Final = "U"


@dataclass(frozen=True, slots=True)
class Photograph:
    """One decoded photograph; `name` is its side and number, as in L-1."""

    name: str
    instance: InstanceFile
    image: DecodedImage


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photograph with its retina, quality and the (size, size, 3) uint8 square that the network reads."""

    photograph: Photograph
    retina: Retina
    quality: Quality
    square: Rgb


@dataclass(frozen=True, slots=True)
class Inferred(eyes.Assessed):
    """What the network said: `graded`, and its last feature map (c, h', w') float32."""

    prepared: Prepared
    features: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Explained(Inferred):
    """A graded photograph with its explanation and the files that show it."""

    explanation: Explanation
    artifacts: tuple[Artifact, ...]


class Retinopathy(
    Pipeline[Sequence[Photograph], Sequence[Prepared], Sequence[Inferred], Sequence[Explained]],
):
    """Grades the fundus photographs of a study by the bundle in `model_folder`; deterministic on a CPU."""

    def __init__(
        self,
        model_folder: Path,
        entry: Entry,
        decoder: Decoder | None = None,
        engine: Engine | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        """Load the model; raises ModelError or WeightsRefused.

        `memory_bytes` changes nothing here: a photograph is decoded within the decoder's own limit.
        """
        self._entry = entry
        self._bundle: Bundle = open_bundle(model_folder)
        self._grading = read_grading(self._bundle)
        self._engine = engine or choose_engine(self._bundle)
        self._head = head_weights(self._bundle)
        self._members = int(self._bundle.inference["network_def"].get("members", 1))
        self._layer = str(self._bundle.metadata["explanation"]["layer"])
        self._decoder = decoder or Decoder()
        self._decoder.start()

    @property
    def model(self) -> ModelRef:
        """The weights in use."""
        return ModelRef(self._bundle.name, self._bundle.version, self._bundle.weights_sha256)

    @property
    def decoder(self) -> Decoder:
        """The decoding child, for those who have photographs to wrap."""
        return self._decoder

    def load(self, subject: Subject) -> Sequence[Photograph]:
        """Decode every fundus photograph of the study, at reduced scale where the file allows.

        Raises UnsuitableInput where there is none or far too many, and what Decoder.decode_dicom raises.
        """
        chosen = self._entry.accepts.taken_of(subject.instances)
        if not 0 < len(chosen) <= MAX_PHOTOGRAPHS:
            raise UnsuitableInput("the study holds no fundus photographs, or too many", photographs=len(chosen))
        return [
            Photograph(name, instance, self._decoder.decode_dicom(instance.path, self._grading.decode_min_side))
            for name, instance in zip(_names(chosen), chosen, strict=True)
        ]

    def preprocess(self, loaded: Sequence[Photograph]) -> Sequence[Prepared]:
        """Find the retina, judge the quality, crop and scale; a picture without a retina is taken whole."""
        return [self._prepare(photograph) for photograph in loaded]

    def infer(self, prepared: Sequence[Prepared]) -> Sequence[Inferred]:
        """Grade every photograph, ungradable ones too: `evaluate` scores all readable images."""
        return [self._infer(each) for each in prepared]

    def explain(self, inferred: Sequence[Inferred]) -> Sequence[Explained]:
        """Exact Grad-CAM for the grade given, from the forward pass that gave it; no second pass."""
        return [self._explain(each) for each in inferred]

    def postprocess(self, explained: Sequence[Explained]) -> Reading:
        """Findings of each eye and of the patient, urgency and receipt."""
        by_eye = eyes.deciding(explained)
        decisive = list(by_eye.values())
        reasons = {each.abstain_reason for each in decisive}
        unsure = next((reason for reason in (eyes.UNGRADABLE, eyes.LOW_CONFIDENCE) if reason in reasons), None)
        return Reading(
            pipeline=self._entry.name,
            model=self.model,
            findings=eyes.findings(by_eye),
            images=tuple(_image_reading(each) for each in explained),
            quality=min((each.quality for each in decisive), key=lambda quality: (quality.gradable, quality.score)),
            abstained=unsure is not None,
            abstain_reason=unsure,
            urgency=eyes.most_urgent(decisive),
            explanation=eyes.worst(decisive).explanation,
            artifacts=tuple(artifact for each in explained for artifact in each.artifacts),
            seconds={},
            receipt=self._receipt([each.prepared.photograph.instance for each in explained]),
        )

    def grade(self, subject: Subject) -> Sequence[Inferred]:
        """The first three steps alone: calibrated probabilities of every photograph, abstained or not."""
        return self.infer(self.preprocess(self.load(subject)))

    def close(self) -> None:
        """End the decoding child."""
        self._decoder.close()

    def _prepare(self, photograph: Photograph) -> Prepared:
        picture = photograph.image.array
        found = find_retina(picture)
        quality = assess_quality(picture, found, self._grading.quality)
        height, width = picture.shape[:2]
        retina = found or Retina(0, 0, width, height, 0.0)
        return Prepared(photograph, retina, quality, prepare(picture, retina, self._grading.input_size))

    def _infer(self, prepared: Prepared) -> Inferred:
        image = normalise(prepared.square, self._grading.mean, self._grading.std)
        output = self._engine.run(image[None])
        side = prepared.photograph.instance.laterality
        graded = self._grading.read(output.logits[0])
        return Inferred(side, prepared.quality, graded, prepared, output.features[0])

    def _explain(self, inferred: Inferred) -> Explained:
        weights = self._head[inferred.graded.grade]
        cam = grad_cam(inferred.features, weights)
        artifacts = _draw(cam, inferred.prepared)
        return Explained(
            laterality=inferred.laterality,
            quality=inferred.quality,
            graded=inferred.graded,
            prepared=inferred.prepared,
            features=inferred.features,
            explanation=self._judge(cam, inferred, weights),
            artifacts=artifacts,
        )

    def _judge(self, cam: Map, inferred: Inferred, weights: NDArray[np.float32]) -> Explanation:
        """How far the map may be trusted, in figures and in a sentence where it may not."""
        figures = {
            "inside_retina": trust.inside_retina(cam, inferred.prepared.square),
            "concentration": trust.concentration(cam),
            "support": trust.support(inferred.features, weights),
        }
        agreement = trust.agreement(inferred.features, weights, self._members)
        if agreement is not None:
            figures["agreement"] = agreement
        note = _doubt(cam, figures["inside_retina"], inferred.quality) or _remark(inferred.graded)
        return Explanation(
            method="grad-cam",
            layer=self._layer,
            target=f"dr_grade={inferred.graded.grade}",
            trust={name: round(value, 4) for name, value in figures.items()},
            reliable=_doubt(cam, figures["inside_retina"], inferred.quality) is None,
            note=note,
        )

    def _receipt(self, instances: Sequence[InstanceFile]) -> Receipt:
        size = self._grading.input_size
        return sealed(
            Receipt(
                digest="",
                inputs=input_digests(instance.sha256 for instance in instances),
                weights=self._bundle.weights_sha256,
                configuration=self._bundle.configuration_sha256,
                code=code_digest(),
                engine=self._engine.name,
                engine_version=self._engine.version,
                precision=self._engine.precision,
                threads=self._engine.threads,
                batch_shape=(_BATCH, 3, size, size),
                device=self._engine.device,
                processor=processor() if self._engine.device == "cpu" else torch.cuda.get_device_name(),
                ladder="full",
                host=socket.gethostname(),
            )
        )


def _names(instances: Sequence[InstanceFile]) -> list[str]:
    """A short unique name for each photograph: its side, a hyphen, its number among those of that side."""
    counted: Counter[str] = Counter()
    names = []
    for instance in instances:
        side = instance.laterality or _UNKNOWN_SIDE
        counted[side] += 1
        names.append(f"{side}-{counted[side]}")
    return names


def _draw(cam: Map, prepared: Prepared) -> tuple[Artifact, ...]:
    """The raw map, the coloured map and the overlay; the two pictures show the photograph's whole frame."""
    name = prepared.photograph.name
    picture = heatmap.shown(prepared.photograph.image.array)
    scale = prepared.photograph.image.array.shape[1] / picture.shape[1]
    height, width = picture.shape[:2]
    rgba = heatmap.coloured(heatmap.spread(cam, prepared.retina, scale, (height, width)))
    raw = io.BytesIO()
    np.save(raw, cam)
    return (
        Artifact(f"{name}-map.npy", "map", "application/x-npy", raw.getvalue()),
        Artifact(f"{name}-heatmap.png", "heatmap", "image/png", heatmap.png(heatmap.shown(rgba, heatmap.HEATMAP_SIDE))),
        Artifact(f"{name}-overlay.png", "overlay", "image/png", heatmap.png(heatmap.overlay(picture, rgba))),
    )


def _doubt(cam: Map, inside: float, quality: Quality) -> str | None:
    """Why a map should not be relied on; None where nothing speaks against it."""
    if is_degenerate(cam):
        return "the map is degenerate: nothing in the picture speaks for this grade more than anything else"
    if not quality.gradable:
        return "the photograph is ungradable"
    if inside < trust.LEAST_INSIDE:
        return "much of the map lies beside the retina"
    return None


def _remark(graded: Graded) -> str | None:
    """What a reader of a sound map should still know."""
    if graded.grade == 0:
        return "the map shows what speaks for grade 0; the absence of disease has no place of its own"
    return None


def _image_reading(explained: Explained) -> ImageReading:
    return ImageReading(
        sop_instance_uid=explained.prepared.photograph.instance.sop_instance_uid,
        laterality=explained.laterality,
        quality=explained.quality,
        abstained=explained.abstain_reason is not None,
        abstain_reason=explained.abstain_reason,
        explanation=explained.explanation,
        artifacts=tuple(artifact.name for artifact in explained.artifacts),
    )
