"""Diabetic retinopathy: the fundus photographs of one visit in, a grade with its explanation for each eye out."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines import eyes
from pipelines.core.entry import Entry
from pipelines.core.errors import OverreadError, UnsuitableInput
from pipelines.core.receipt import code_digest, input_digests, processor, sealed
from pipelines.core.types import Artifact, Familiarity, InstanceFile, ModelRef, Reading, Receipt, Subject
from pipelines.fundus_maps import (
    Explained,
    Inferred,
    Photograph,
    Prepared,
    image_reading,
    judge,
    names_of,
    pictures,
    raw_map,
)
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.fundus import QUALITY_SIDE, assess_quality, find_retina, normalise, prepare, quality_of
from pipelines.imaging.overlay import retina_or_whole
from pipelines.nets.bundle import Bundle, open_bundle
from pipelines.nets.cam import Map, grad_cam
from pipelines.nets.familiarity import read_known
from pipelines.nets.grading import read_grading
from pipelines.nets.precision import Engine, choose_engine, head_weights
from pipelines.overlap import AHEAD, Stages, overlapped
from pipelines.pipeline import Pipeline, Progress, silent, timed

__all__ = ["Explained", "Inferred", "Photograph", "Prepared", "Retinopathy"]

#: A visit takes two to twenty photographs; a hundred are a mistake, and memory has an end.
MAX_PHOTOGRAPHS: Final = 100
#: One photograph a forward pass: its numbers then never depend, not even in the last bit, on its companions.
_BATCH: Final = 1
#: Threads that decode, prepare and explain beside the network: on two cores one decoding child and its photographs'
#: preparation keep up with it; a GPU needs more of both.
_MOST_THREADS: Final = 8


class Retinopathy(
    Pipeline[Sequence[Photograph], Sequence[Prepared], Sequence[Inferred], Sequence[Explained]],
):
    """Grades the fundus photographs of a study by the bundle in `model_folder`; deterministic on a CPU."""

    draws_on_demand: ClassVar[bool] = True

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
        self._known = read_known(self._bundle)
        self._engine = engine or choose_engine(self._bundle)
        self._head = head_weights(self._bundle)
        self._members = int(self._bundle.inference["network_def"].get("members", 1))
        self._layer = str(self._bundle.metadata["explanation"]["layer"])
        self._decoder = decoder or Decoder()
        self._decoder.start()
        self._threads = max(2, min(_MOST_THREADS, (os.cpu_count() or 1) // 2))
        # One child keeps up with the network of a machine of two cores; each further thread decodes in its own.
        self._decoders = [self._decoder, *(self._decoder.another() for _ in range(self._threads - 2))]
        self._idle: SimpleQueue[Decoder] = SimpleQueue()
        for each in self._decoders:
            self._idle.put(each)

    @property
    def model(self) -> ModelRef:
        """The weights in use."""
        return ModelRef(self._bundle.name, self._bundle.version, self._bundle.weights_sha256)

    @property
    def ahead(self) -> int:
        """Subjects of one photograph each that fill a batch, wait behind it, and are being prepared."""
        return AHEAD * self._engine.batch

    @property
    def decoder(self) -> Decoder:
        """The decoding child, for those who have photographs to wrap."""
        return self._decoder

    def load(self, subject: Subject) -> Sequence[Photograph]:
        """Decode every fundus photograph of the study, at reduced scale where the file allows.

        Raises UnsuitableInput where there is none or far too many, and what Decoder.decode_dicom raises.
        """
        return self._load(subject, self._decoder)

    def preprocess(self, loaded: Sequence[Photograph]) -> Sequence[Prepared]:
        """Find the retina, judge the quality, crop and scale; a picture without a retina is taken whole."""
        return [self._prepare(photograph) for photograph in loaded]

    def infer(self, prepared: Sequence[Prepared]) -> Sequence[Inferred]:
        """Grade every photograph, ungradable ones too: `evaluate` scores all readable images."""
        return [each for one in prepared for each in self._infer([one], _BATCH)]

    def explain(self, inferred: Sequence[Inferred]) -> Sequence[Explained]:
        """Exact Grad-CAM for the grade given, from the forward pass that gave it; no second pass."""
        return [self._explain(each, pictures) for each in inferred]

    def postprocess(self, explained: Sequence[Explained]) -> Reading:
        """Findings of each eye and of the patient, urgency and receipt."""
        return self._reading(explained, _BATCH)

    def run_batch(self, subjects: Iterable[Subject], progress: Progress = silent) -> Iterator[Reading | OverreadError]:
        """As Pipeline.run_batch, the network reading full batches across subjects; maps come without their pictures.

        A reading is bit for bit the same whatever is read beside it. It has another receipt than that of `run`, since
        the batch's shape is another.
        """

        def infer(prepared: Sequence[Prepared]) -> Sequence[Inferred]:
            progress("infer", 0.0)
            return self._infer(prepared, self._engine.batch)

        yield from overlapped(
            subjects, Stages(self._prepared, infer, self._finished, self._engine.batch, self._threads)
        )

    def _load(self, subject: Subject, decoder: Decoder) -> Sequence[Photograph]:
        chosen = self._entry.accepts.taken_of(subject.instances)
        if not 0 < len(chosen) <= MAX_PHOTOGRAPHS:
            raise UnsuitableInput("the study holds no fundus photographs, or too many", photographs=len(chosen))
        return [
            Photograph(name, instance, decoder.decode_dicom(instance.path, self._grading.decode_min_side))
            for name, instance in zip(names_of(chosen), chosen, strict=True)
        ]

    @contextmanager
    def _decoding(self) -> Iterator[Decoder]:
        decoder = self._idle.get()
        try:
            yield decoder
        finally:
            self._idle.put(decoder)

    def _prepared(self, subject: Subject, seconds: dict[str, float]) -> Sequence[Prepared]:
        with timed("load", seconds, silent), self._decoding() as decoder:
            loaded = self._load(subject, decoder)
        with timed("preprocess", seconds, silent):
            return self.preprocess(loaded)

    def _finished(self, inferred: Sequence[Inferred], seconds: dict[str, float]) -> Reading:
        with timed("explain", seconds, silent):
            explained = [self._explain(each, _later) for each in inferred]
        with timed("postprocess", seconds, silent):
            return self._reading(explained, self._engine.batch)

    def _reading(self, explained: Sequence[Explained], batch: int) -> Reading:
        by_eye = eyes.deciding(explained)
        decisive = list(by_eye.values())
        reasons = {each.abstain_reason for each in decisive}
        unsure = next((reason for reason in (eyes.UNGRADABLE, eyes.LOW_CONFIDENCE) if reason in reasons), None)
        return Reading(
            pipeline=self._entry.name,
            model=self.model,
            findings=eyes.findings(by_eye),
            images=tuple(image_reading(each) for each in explained),
            quality=min((each.quality for each in decisive), key=lambda quality: (quality.gradable, quality.score)),
            abstained=unsure is not None,
            abstain_reason=unsure,
            urgency=eyes.most_urgent(decisive),
            explanation=eyes.worst(decisive).explanation,
            artifacts=tuple(artifact for each in explained for artifact in each.artifacts),
            seconds={},
            receipt=self._receipt([each.prepared.photograph.instance for each in explained], batch),
        )

    def grade(self, subject: Subject) -> Sequence[Inferred]:
        """The first three steps alone: calibrated probabilities of every photograph, abstained or not."""
        return self.infer(self.preprocess(self.load(subject)))

    def close(self) -> None:
        """End the decoding children."""
        for decoder in self._decoders:
            decoder.close()

    def _prepare(self, photograph: Photograph) -> Prepared:
        picture = photograph.image.array
        found = find_retina(picture)
        retina = retina_or_whole(picture, found)
        square = prepare(picture, retina, self._grading.input_size)
        # Most networks read the square that quality is measured on, so that it need not be made twice.
        is_measurable = found is not None and self._grading.input_size == QUALITY_SIDE
        limits = self._grading.quality
        quality = quality_of(square, limits) if is_measurable else assess_quality(picture, found, limits)
        return Prepared(photograph, retina, quality, square)

    def _infer(self, prepared: Sequence[Prepared], batch: int) -> Sequence[Inferred]:
        """One pass over at most `batch` photographs, filled up with black: the shape is the same for any number."""
        size = self._grading.input_size
        images = np.zeros((batch, 3, size, size), np.float32)
        for place, each in enumerate(prepared):
            images[place] = normalise(each.square, self._grading.mean, self._grading.std)
        output = self._engine.run(images)
        return [
            Inferred(
                laterality=each.photograph.instance.laterality,
                quality=each.quality,
                graded=self._grading.read(logits),
                prepared=each,
                features=features,
                familiarity=self._familiarity(features, each),
            )
            for each, logits, features in zip(prepared, output.logits, output.features, strict=False)
        ]

    def _familiarity(self, features: NDArray[np.float32], prepared: Prepared) -> Familiarity | None:
        known = self._known
        return known.judge(features, prepared.square, prepared.photograph.image.camera) if known else None

    def _explain(self, inferred: Inferred, draw: Callable[[Map, Prepared], tuple[Artifact, ...]]) -> Explained:
        weights = self._head[inferred.graded.grade]
        cam = grad_cam(inferred.features, weights)
        return Explained(
            laterality=inferred.laterality,
            quality=inferred.quality,
            graded=inferred.graded,
            prepared=inferred.prepared,
            features=inferred.features,
            familiarity=inferred.familiarity,
            explanation=judge(cam, inferred, weights, self._layer, self._members),
            artifacts=(raw_map(cam, inferred.prepared.photograph.name), *draw(cam, inferred.prepared)),
        )

    def _receipt(self, instances: Sequence[InstanceFile], batch: int) -> Receipt:
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
                batch_shape=(batch, 3, size, size),
                device=self._engine.device,
                processor=processor() if self._engine.device == "cpu" else torch.cuda.get_device_name(),
                ladder="full",
                parameters=self._known.parameters if self._known else {},
                host=socket.gethostname(),
            )
        )


def _later(_cam: Map, _prepared: Prepared) -> tuple[Artifact, ...]:
    """No picture now: most studies of a batch are never looked at, and the map tells it all."""
    return ()
