"""Somebody else's MONAI bundle: a series in, what the bundle's own steps say of it out, on our geometry."""

from __future__ import annotations

import math
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch

from pipelines.bundle_pictures import grey
from pipelines.bundle_reading import Answered, Explained, Given, read_part
from pipelines.core.entry import Entry
from pipelines.core.errors import OutOfMemory, UnsuitableInput, WeightsRefused
from pipelines.core.receipt import code_digest, input_digests, processor, sealed
from pipelines.core.types import InstanceFile, ModelRef, Reading, Receipt, Subject, Urgency
from pipelines.core.zoo import Trust, ZooBundle
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.volume import check_values, read_volume
from pipelines.imaging.volume_plan import plan_volume
from pipelines.nets.zoo_check import Wishes
from pipelines.nets.zoo_open import opened
from pipelines.pipeline import Pipeline

#: A series of more pictures than this is a film, or a mistake.
MAX_PICTURES: Final = 100
#: Copies of the network's input and output that are held at once, as float32.
_COPIES: Final = 3
_FLOAT_BYTES: Final = 4

Sized = tuple[Given, tuple[int, ...]]


class MonaiBundle(Pipeline[Sequence[Given], Sequence[Sized], Sequence[Answered], Sequence[Explained]]):
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
        chosen = self._entry.accepts.taken_of(subject.instances)
        if not chosen:
            raise UnsuitableInput("the series holds no image that the bundle reads")
        if self._bundle.dimensions == 3:
            return [self._volume(chosen)]
        if len(chosen) > MAX_PICTURES:
            raise UnsuitableInput("the series holds more pictures than are read at once", pictures=len(chosen))
        return [self._picture(number, instance) for number, instance in enumerate(_in_order(chosen))]

    def preprocess(self, loaded: Sequence[Given]) -> Sequence[Sized]:
        """The bundle's own pre-processing, its file loaders left out; raises UnsuitableInput, OutOfMemory."""
        self._runner.forget()
        prepared = []
        for given in loaded:
            shape = self._runner.prepare(given.number, given.array, given.affine)
            self._refuse_large(shape)
            prepared.append((given, shape))
        return prepared

    def infer(self, prepared: Sequence[Sized]) -> Sequence[Answered]:
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
        several = len(explained) > 1
        parts = [read_part(self._bundle, each, f"_{each.given.name}" if several else "") for each in explained]
        images = tuple(part.image for part in parts)
        worst = min(images, key=lambda image: (image.quality.gradable, image.quality.score))
        # Nothing found may be good news or a failure to see: a person has to tell.
        look = any(not image.quality.gradable or image.quality.reasons for image in images)
        return Reading(
            pipeline=self._entry.name,
            model=self.model,
            findings=tuple(finding for part in parts for finding in part.findings),
            images=images,
            quality=worst.quality,
            abstained=worst.abstained,
            abstain_reason=worst.abstain_reason,
            urgency=Urgency.CHECK if look else Urgency.ROUTINE,
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
        return Given(0, plan.instances, volume.array[None], volume.grid.affine, plan, None)

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

    def _receipt(self, explained: Sequence[Explained]) -> Receipt:
        cpu, plan = self._runner.device == "cpu", explained[0].given.plan
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
                    "geometry": [note.code for note in plan.notes] if plan is not None else [],
                },
                host=socket.gethostname(),
            )
        )


def _in_order(instances: Sequence[InstanceFile]) -> list[InstanceFile]:
    """By instance number, as a person would page through them; then by UID, so that the order is always the same."""
    return sorted(instances, key=lambda each: (each.instance_number or 0, each.sop_instance_uid))
