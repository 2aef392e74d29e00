"""Runs a bundle on one image at a time: its pre-processing, its inferer, its post-processing, and what they rest on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.data.utils import decollate_batch, list_data_collate
from monai.transforms.post.dictionary import Activationsd, AsDiscreted
from monai.utils.enums import MetaKeys, SpaceKeys
from numpy.typing import NDArray
from torch import Tensor

from pipelines.core.errors import ModelError, UnsuitableInput
from pipelines.nets.zoo_explain import Shown, show
from pipelines.nets.zoo_model import PREDICTION, ZooModel
from pipelines.nets.zoo_names import muted

#: Probabilities are computed for so many voxels at once: a hundred structures of a whole body would not fit.
_VOXELS: Final = 2_000_000
#: What MONAI's transforms, SciPy and torch raise on an image that they cannot work on.
_FAILURES: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Values with their place: (c, i, j[, k]) and the (4, 4) affine to RAS millimetres; None where they have none."""

    array: NDArray[np.float32]
    affine: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, eq=False)
class Inferred:
    """How sure the network is: `probabilities` (c,) of a whole image's classes, else empty; `uncertainty` 0-1 a voxel.

    `confidence` is the mean probability of what was said: over the voxels of structures, or of the class. `exclusive`:
    whether the classes exclude one another.
    """

    probabilities: tuple[float, ...]
    confidence: float
    uncertainty: Placed | None
    exclusive: bool


class Runner(Protocol):
    """A loaded bundle; images are numbered by whoever asks, and forgotten with `forget`."""

    @property
    def device(self) -> str:
        """Where the network runs: cpu or cuda."""

    def prepare(self, number: int, array: NDArray[np.float32], affine: NDArray[np.float64]) -> tuple[int, ...]:
        """Pre-process an image (c, i, j[, k]); returns the shape that the network reads."""

    def infer(self, number: int) -> Inferred:
        """Run the inferer on a prepared image."""

    def explain(self, number: int) -> Shown | None:
        """Grad-CAM of what was inferred, on the grid that the network read; None where there is nothing to show."""

    def finish(self, number: int) -> Placed:
        """What the bundle's post-processing makes of the answer."""

    def forget(self) -> None:
        """Let go of all images."""

    def close(self) -> None:
        """Give back memory and processes."""


@dataclass(slots=True, eq=False)
class _Image:
    """An image on its way: the dict that the transforms know, the network's answer (1, c, ...), where it said what."""

    data: dict[str, object]
    answer: Tensor | None = None
    said: NDArray[np.int64] | None = None


class LocalRunner:
    """A bundle in this process."""

    def __init__(self, model: ZooModel, device: torch.device) -> None:
        """The network goes to `device`."""
        self._model = model
        self._device = device
        self._network = model.network.to(device)
        self._images: dict[int, _Image] = {}
        self._exclusive = is_exclusive(model)

    @property
    def device(self) -> str:
        """As Runner says."""
        return self._device.type

    def prepare(self, number: int, array: NDArray[np.float32], affine: NDArray[np.float64]) -> tuple[int, ...]:
        """As Runner says; raises UnsuitableInput where the bundle's pre-processing fails on the image."""
        key = self._model.image
        try:
            with muted():
                data = self._model.preprocessing({key: as_loaded(array, affine)})
            shape = tuple(int(length) for length in data[key].shape)
        except _FAILURES as error:
            raise UnsuitableInput(
                "the bundle's own pre-processing fails on this image", code="bundle_preprocessing", kind=_kind(error)
            ) from error
        self._images = {**self._images, number: _Image(data)}
        return shape

    def infer(self, number: int) -> Inferred:
        """As Runner says; raises ModelError where the bundle fails."""
        image, key = self._images[number], self._model.image
        try:
            inputs = list_data_collate([image.data])[key].to(self._device)
            with torch.no_grad(), muted():
                answer = self._model.inferer(inputs, self._network)
        except _FAILURES as error:
            raise ModelError(
                "the bundle's network fails on this image", code="bundle_failed", kind=_kind(error)
            ) from error
        if not isinstance(answer, Tensor):
            raise ModelError("the bundle's network gives more than one answer", code="bundle_failed")
        image.answer = answer
        if answer.ndim <= 2:
            values = probabilities(answer[0].reshape(-1).float(), self._exclusive)
            image.said = np.asarray(int(values.argmax()), np.int64)
            return Inferred(tuple(float(value) for value in values), float(values.max()), None, self._exclusive)
        return self._measured(image)

    def explain(self, number: int) -> Shown | None:
        """As Runner says."""
        image = self._images[number]
        if image.said is None:
            return None
        inputs = list_data_collate([image.data])[self._model.image].to(self._device)
        return show(self._network, self._model.inferer, _plain(inputs), image.said)

    def finish(self, number: int) -> Placed:
        """As Runner says; raises ModelError where the bundle's post-processing fails."""
        image, key = self._images[number], self._model.image
        try:
            whole = list_data_collate([image.data])
            answer = image.answer.cpu() if image.answer is not None else None
            one = decollate_batch({key: whole[key], PREDICTION: answer})[0]
            with muted():
                made = self._model.postprocessing(one)[PREDICTION]
        except _FAILURES as error:
            raise ModelError(
                "the bundle's own post-processing fails", code="bundle_failed", kind=_kind(error)
            ) from error
        if not isinstance(made, Tensor | np.ndarray):
            raise ModelError("the bundle's post-processing gives no array", code="bundle_failed")
        affine = made.affine.cpu().numpy() if isinstance(made, MetaTensor) else self._affine(image)
        return Placed(_numbers(made), np.asarray(affine, np.float64) if affine is not None else None)

    def forget(self) -> None:
        """As Runner says."""
        self._images = {}

    def close(self) -> None:
        """As Runner says."""
        self._images = {}

    def _affine(self, image: _Image) -> NDArray[np.float64] | None:
        data = image.data[self._model.image]
        return np.asarray(data.affine.cpu().numpy(), np.float64) if isinstance(data, MetaTensor) else None

    def _measured(self, image: _Image) -> Inferred:
        """Where a segmentation says what, and how sure it is of it; a slab of the first axis at a time."""
        answer = _plain(image.answer)[0] if image.answer is not None else torch.zeros(0)
        said, unsure, total, count = [], [], 0.0, 0
        for slab in _slabs(answer):
            values = probabilities(slab.float(), self._exclusive)
            top, which = values.max(dim=0)
            inside = which > 0 if self._exclusive else top > 0.5  # the midpoint of a sigmoid
            said.append((which if self._exclusive else (which + 1) * inside).cpu().numpy())
            unsure.append(entropy(values, self._exclusive).cpu().numpy())
            total, count = total + float(top[inside].sum()), count + int(inside.sum())
        image.said = np.concatenate(said)
        uncertainty = Placed(np.concatenate(unsure)[None].astype(np.float32), self._affine(image))
        return Inferred((), total / count if count else 0.0, uncertainty, self._exclusive)


def as_loaded(array: NDArray[np.float32], affine: NDArray[np.float64]) -> MetaTensor:
    """(c, i, j[, k]) and its affine as MONAI's own loader followed by EnsureChannelFirst would hand it on."""
    matrix = torch.as_tensor(affine, dtype=torch.float64)
    meta = {
        MetaKeys.ORIGINAL_AFFINE: matrix.clone(),
        MetaKeys.SPACE: SpaceKeys.RAS,
        MetaKeys.SPATIAL_SHAPE: np.asarray(array.shape[1:]),
        MetaKeys.ORIGINAL_CHANNEL_DIM: "no_channel" if array.shape[0] == 1 else 0,
    }
    return MetaTensor(torch.from_numpy(np.ascontiguousarray(array)), affine=matrix, meta=meta)


def is_exclusive(model: ZooModel) -> bool:
    """Whether the classes exclude one another (softmax) by the bundle's post-processing; else each has its own."""
    for transform in model.postprocessing.transforms:
        if isinstance(transform, Activationsd) and any(transform.sigmoid):
            return False
        if isinstance(transform, Activationsd) and any(transform.softmax):
            return True
        if isinstance(transform, AsDiscreted) and any(transform.argmax):
            return True
        if isinstance(transform, AsDiscreted) and any(value is not None for value in transform.threshold):
            return False
    return True


def probabilities(logits: Tensor, exclusive: bool) -> Tensor:
    """(c, ...) logits -> probabilities; a single channel is a sigmoid's, since a softmax over one says nothing."""
    return torch.softmax(logits, dim=0) if exclusive and logits.shape[0] > 1 else torch.sigmoid(logits)


def entropy(values: Tensor, exclusive: bool) -> Tensor:
    """(c, ...) probabilities -> (...) entropy as a share of the largest possible; else the least sure channel's."""
    tiny = torch.finfo(values.dtype).tiny
    if exclusive and values.shape[0] > 1:
        return -(values * values.clamp_min(tiny).log()).sum(dim=0) / math.log(values.shape[0])
    other = 1 - values
    both = -(values * values.clamp_min(tiny).log() + other * other.clamp_min(tiny).log()) / math.log(2)
    return both.max(dim=0).values


def _slabs(answer: Tensor) -> Iterator[Tensor]:
    """(c, i, ...) in pieces along i of about _VOXELS values."""
    thickness = max(1, _VOXELS // max(1, answer[:, 0].numel()))
    yield from torch.split(answer, thickness, dim=1)


def _plain(values: Tensor) -> Tensor:
    return values.as_tensor() if isinstance(values, MetaTensor) else values


def _numbers(made: Tensor | NDArray[np.float32]) -> NDArray[np.float32]:
    array = made.detach().cpu().numpy() if isinstance(made, Tensor) else made
    return np.asarray(array, np.float32)


def _kind(error: Exception) -> str:
    # The type alone: the sentence of somebody else's code may quote values of the image.
    return type(error).__name__
