"""Random views of a hippocampus crop: place, shape, contrast, bias field, noise, sharpness and what lies around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional

from pipelines.nets.segmenter import Normalisation
from pipelines.training.hippocampus_cases import Canvas

Range = tuple[float, float]
Shape = tuple[int, int, int]
STRUCTURES = (1, 2)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Ranges are drawn uniformly, shares are of the views; lengths in voxels of 1 mm, intensities of a 0-1 scale."""

    mirror_share: float = 0.5  # left and right hippocampus are mirror images
    shift: float = 6.0  # of the box's middle, each way and axis
    placed_share: float = 0.8  # views that are turned and scaled at all
    angle: float = 20.0  # degrees about each axis, each way
    scale: Range = (0.8, 1.25)
    stretch: Range = (0.92, 1.08)  # further, each axis for itself
    elastic_share: float = 0.5
    elastic: float = 2.0  # standard deviation of the displacements at the control points
    gamma_share: float = 0.5
    gamma: Range = (0.6, 1.6)
    curve_share: float = 0.4  # a random monotone curve of intensity: another scanner's contrast
    bias_share: float = 0.4
    bias: float = 0.35  # standard deviation of the logarithm at the control points
    blur_share: float = 0.25
    blur: Range = (0.4, 1.1)
    coarse_share: float = 0.25
    coarse: Range = (1.2, 2.6)  # thickness of the slices along one axis
    noise_share: float = 0.5
    noise: Range = (0.0, 0.09)
    surroundings_share: float = 0.35  # the template's tissue around the crop
    border_share: float = 0.15  # the crop's edge repeated
    texture_share: float = 0.1  # smooth random tissue; the rest is padding as at inference


@dataclass(frozen=True, slots=True)
class View:
    """(x, y, z) float32 normalised image and int64 labels of one patch."""

    image: Tensor
    labels: Tensor


def view(
    case: Canvas, patch: Shape, ranges: Augmentation, normalisation: Normalisation, random: np.random.Generator
) -> View:
    """One random view of a case; all randomness comes from `random`."""
    inside = torch.from_numpy(case.inside).float()
    image, known = filled(case, ranges, random)
    one_hot = [torch.from_numpy(case.labels == structure).float() for structure in STRUCTURES]
    stacked = torch.stack([image, inside, *one_hot])[None]
    grid = placement(case, patch, ranges, random)
    moved = functional.grid_sample(stacked, grid, padding_mode="border", align_corners=True)[0]
    labels = torch.cat([1 - moved[2:].sum(dim=0, keepdim=True), moved[2:]]).argmax(dim=0)
    valid = torch.ones(patch, dtype=torch.bool) if known else moved[1] > 0.5
    intensities = toned(moved[0], ranges, random).numpy()
    normalised = torch.from_numpy(normalisation.apply(intensities, valid.numpy()))
    return View(torch.where(valid, normalised, 0.0), labels)


def filled(case: Canvas, ranges: Augmentation, random: np.random.Generator) -> tuple[Tensor, bool]:
    """The case's canvas, and whether its outside has been given something to look at."""
    draw = random.random()
    image, inside = torch.from_numpy(case.image), torch.from_numpy(case.inside)
    if draw < ranges.surroundings_share:
        return torch.where(inside, image, torch.from_numpy(case.surroundings)), True
    draw -= ranges.surroundings_share
    if draw < ranges.border_share:
        return torch.from_numpy(repeated_edge(case)), True
    if draw < ranges.border_share + ranges.texture_share:
        smooth = random.uniform(0.1, 0.7) + 0.25 * field(shape_of(image), (8, 8, 8), 1, random)[0]
        return torch.where(inside, image, smooth.clamp(0, 1)), True
    return torch.where(inside, image, 0.0), False


def repeated_edge(case: Canvas) -> NDArray[np.float32]:
    """The canvas with the crop's outermost voxels drawn out to its borders."""
    occupied = [np.flatnonzero(case.inside.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    nearest = [
        np.clip(np.arange(length), where[0], where[-1])
        for length, where in zip(case.image.shape, occupied, strict=True)
    ]
    return np.asarray(case.image[np.ix_(*nearest)], np.float32)


def placement(case: Canvas, patch: Shape, ranges: Augmentation, random: np.random.Generator) -> Tensor:
    """(1, x, y, z, 3) sampling grid in grid_sample's order (last axis first) and scale (-1 to 1)."""
    turn = np.eye(3)
    if random.random() < ranges.placed_share:
        angles = random.uniform(-ranges.angle, ranges.angle, 3)
        scale = random.uniform(*ranges.scale) * random.uniform(*ranges.stretch, 3)
        turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() / scale
    if random.random() < ranges.mirror_share:
        turn = turn @ np.diag([-1.0, 1.0, 1.0])
    axes = [torch.arange(length, dtype=torch.float32) - (length - 1) / 2 for length in patch]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    points = points @ torch.from_numpy(turn.T.astype(np.float32))
    points = points + torch.from_numpy(random.uniform(-ranges.shift, ranges.shift, 3).astype(np.float32))
    if random.random() < ranges.elastic_share:
        points = points + random.uniform(0, ranges.elastic) * field(patch, (5, 6, 5), 3, random).permute(1, 2, 3, 0)
    half = torch.tensor([(length - 1) / 2 for length in case.image.shape])
    return (points / half).flip(-1)[None]


def field(shape: Shape, points: Shape, channels: int, random: np.random.Generator) -> Tensor:
    """(channels, *shape) smooth random field of unit variance at its control points."""
    control = torch.from_numpy(random.standard_normal((1, channels, *points)).astype(np.float32))
    return functional.interpolate(control, size=shape, mode="trilinear", align_corners=True)[0]


def shape_of(image: Tensor) -> Shape:
    """Voxels along x, y, z."""
    x, y, z = image.shape
    return x, y, z


def toned(image: Tensor, ranges: Augmentation, random: np.random.Generator) -> Tensor:
    """Intensities as another scanner might give them, (x, y, z) float32."""
    if random.random() < ranges.curve_share:
        image = curved(image, random)
    if random.random() < ranges.gamma_share:
        image = image.clamp(min=0) ** random.uniform(*ranges.gamma)
    if random.random() < ranges.bias_share:
        strength = random.uniform(0, ranges.bias)
        image = image * torch.exp(strength * field(shape_of(image), (3, 3, 3), 1, random)[0])
    if random.random() < ranges.blur_share:
        image = blurred(image, random.uniform(*ranges.blur))
    if random.random() < ranges.coarse_share:
        image = coarse(image, int(random.integers(3)), random.uniform(*ranges.coarse))
    if random.random() < ranges.noise_share:
        noise = random.standard_normal(tuple(image.shape), dtype=np.float32)
        image = image + random.uniform(*ranges.noise) * torch.from_numpy(noise)
    return image


def curved(image: Tensor, random: np.random.Generator) -> Tensor:
    """A monotone curve through five random heights, so that tissues change their distances but not their order."""
    heights = np.cumsum(random.uniform(0.25, 1.75, 5))
    heights = np.concatenate([[0.0], heights / heights[-1]])
    knots = np.linspace(0, 1, len(heights))
    return torch.from_numpy(np.interp(image.numpy(), knots, heights).astype(np.float32))


def blurred(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur along the three axes."""
    reach = 3
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = kernel / kernel.sum()
    answer = image[None, None]
    for axis in range(3):
        shape, padding = [1, 1, 1, 1, 1], [0, 0, 0]
        shape[axis + 2], padding[axis] = len(kernel), reach
        answer = functional.conv3d(answer, kernel.reshape(shape), padding=padding)
    return answer[0, 0]


def coarse(image: Tensor, axis: int, thickness: float) -> Tensor:
    """Slices of `thickness` voxels along `axis`, interpolated back."""
    small = [length if here != axis else max(2, round(length / thickness)) for here, length in enumerate(image.shape)]
    reduced = functional.interpolate(image[None, None], size=small, mode="area")
    return functional.interpolate(reduced, size=image.shape, mode="trilinear")[0, 0]
