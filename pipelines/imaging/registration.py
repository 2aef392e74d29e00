"""Finds a head in a volume: a deterministic affine registration of the MNI template to it, with a score.

The template is the ICBM 152 2009a symmetric T1 average, brain only (Fonov et al., NeuroImage 2011;54:313-27), from
nilearn's wheel. Registration is by SimpleITK on one thread, on grids of 8 and 4 mm: mutual information finds the pose
among several (Mattes et al., IEEE Trans Med Imaging 2003;22:120-8), local correlation refines it, since it sees tissue
borders whatever the coil's sensitivity or the brightness of the scalp.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipelines.core.errors import UnsuitableInput
from pipelines.imaging.coarse import image, local, on_grid, padded, shrunk
from pipelines.imaging.grid import Affine, Grid, Volume
from pipelines.imaging.resample import resample
from pipelines.imaging.template import mni_template

_BRAIN: Final = 20.0  # of 255: the template is 0 outside the brain, fluid in it is above
_CENTRE_MM: Final = np.array([0.0, -18.0, 8.0])  # of the template's brain
_COARSE_MM: Final = 8.0
_FINE_MM: Final = 4.0
#: The template is larger than most brains: it begins at this scale, in the middle of those found (0.82 to 0.98).
_FIRST_SCALE: Final = 0.9
Angles = tuple[float, float, float]
#: Starting poses in degrees about the axes to the right, front and top; each reaches about 15 degrees to all sides.
_NODDING: Final[tuple[Angles, ...]] = ((-36, 0, 0), (-18, 0, 0), (0, 0, 0), (18, 0, 0), (36, 0, 0))
#: Tried where those led nowhere: heads that are turned or lean to a shoulder.
_TURNED: Final[tuple[Angles, ...]] = tuple(
    (pitch, roll, yaw) for pitch in (-10, 15) for roll, yaw in ((0, 22), (0, -22), (22, 0), (-22, 0))
)
#: Voxels of the fine level below the brain's surface at which a result is judged: 8 and 24 mm.
_DEPTHS: Final = (2, 6)
#: Registered.score that leaves no doubt.
_CLEAR_SCORE: Final = 0.45
_CROWN_TO_CENTRE_MM: Final = 82.0
_HEAD_MM: Final = 160.0  # from the crown down: what lies lower is neck
_LEAST_SECTION_MM2: Final = 2000.0  # a slice through the head shows more than this of it
_CROWN_TO_CORE_MM: Final = 70.0  # about a brain's half height below the crown
_CORE_MM: Final = 45.0  # radius of a sphere there that is all brain
#: White matter is among the brightest of a T1 brain: what is brighter than this is set to it.
_BRIGHT_PERCENTILE: Final = 95
_BRIGHTER: Final = 1.1
_MARGIN_MM: Final = 60.0  # zeros around the volume, so that no start leaves it
_TEMPLATE_MARGIN_MM: Final = 24.0
_LOCAL_MM: Final = 12.0
#: A brain is 0.6 to 1.3 times the template along any axis; anything else is no brain.
_SCALES: Final = (0.6, 1.3)


class Linear(Protocol):
    """What SimpleITK's transforms that are a matrix with a centre have in common; their base class does not say so."""

    def SetCenter(self, centre: list[float]) -> None: ...  # noqa: N802 - SimpleITK's names
    def SetMatrix(self, matrix: list[float]) -> None: ...  # noqa: N802
    def SetTranslation(self, move: list[float]) -> None: ...  # noqa: N802
    def GetMatrix(self) -> tuple[float, ...]: ...  # noqa: N802
    def TransformPoint(self, point: list[float]) -> tuple[float, ...]: ...  # noqa: N802


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """`transform` takes MNI millimetres to the volume's RAS millimetres, (4, 4).

    `score` is the correlation of volume and template, both normalised locally (12 mm), at 4 mm: the lower one of those
    8 mm and 24 mm below the surface of the brain. Only the deep one sees that a ball, whose surface fits, is empty.
    Near 1 for the template itself, 0 for noise; decision 0067 has what lies between.
    """

    transform: Affine
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """Template and volume on one grid size: as they are for mutual information, locally normalised for correlation.

    `mask` is the template's brain with a rim of a voxel: the border tells most about where it lies. `depths` are its
    inner parts, by which the result is judged.
    """

    fixed: Volume
    moving: Volume
    mask: NDArray[np.bool_]
    depths: tuple[NDArray[np.bool_], ...]

    def images(self, scale: float) -> tuple[sitk.Image, sitk.Image, sitk.Image]:
        """Template, its mask and the volume; the first two shrunk by `scale` about the origin of MNI."""
        stretch = np.diag([scale, scale, scale, 1.0])
        grid = Grid(self.fixed.grid.shape, stretch @ self.fixed.grid.affine)
        return (
            image(self.fixed.array, grid),
            image(self.mask.astype(np.uint8), grid),
            image(self.moving.array, self.moving.grid),
        )


def register(volume: Volume) -> Registered:
    """Register the template to a head; raises UnsuitableInput (code localisation_poor) where there is nothing to find.

    The same volume gives the same transform, bit for bit; about 3 s on one core, 7 s where it has to try twice.
    """
    with _one_thread():
        return _registered(padded(on_grid(volume, _FINE_MM), _MARGIN_MM))


@contextmanager
def _one_thread() -> Iterator[None]:
    """ITK on one thread for the time of the block: sums of several threads differ in their last bits.

    The number is the process's: a registration method's own (SetNumberOfThreads) does not reach its metric.
    """
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def _registered(fine: Volume) -> Registered:
    """See register; the volume on the fine grid."""
    crown = _crown(fine)
    # Scalp and fat are brighter than brain in many images and would pull the template to them.
    bright = float(np.percentile(fine.array[_core(fine.grid, crown)], _BRIGHT_PERCENTILE)) * _BRIGHTER
    fine = Volume(np.asarray(np.clip(fine.array, 0.0, bright), np.float32), fine.grid)
    coarse_level, fine_level = _levels(fine)
    best: Registered | None = None
    for starts in (_NODDING, _TURNED):
        found = _from_starts(coarse_level, fine_level, crown, starts)
        if found is not None and (best is None or found.score > best.score):
            best = found
        if best is not None and best.score >= _CLEAR_SCORE:
            break
    if best is None:
        raise UnsuitableInput("no head was found in the volume", code="localisation_poor")
    return best


def _from_starts(
    coarse: _Level, fine: _Level, crown: NDArray[np.float64], starts: Sequence[Angles]
) -> Registered | None:
    """The registration from the starting pose that leads farthest; None where all of them leave the volume."""
    poses = [pose for start in starts if (pose := _pose(coarse, crown, start)) is not None]
    refined = [better for pose in poses if (better := _refined(fine, pose)) is not None]
    if not refined:
        return None
    _, pose = min(refined, key=lambda pair: pair[0])
    transform = _stretched(fine, _matrix(pose) @ np.diag([_FIRST_SCALE] * 3 + [1.0]))
    return Registered(transform, _score(fine, transform))


def _levels(fine: Volume) -> tuple[_Level, _Level]:
    """The coarse level in plain intensities, the fine one locally normalised."""
    template = padded(on_grid(mni_template(), _FINE_MM), _TEMPLATE_MARGIN_MM)
    small, small_template = shrunk(fine, _COARSE_MM), shrunk(template, _COARSE_MM)
    coarse = _Level(small_template, small, *_masks(small_template))
    return coarse, _Level(local(template, _LOCAL_MM), local(fine, _LOCAL_MM), *_masks(template))


def _masks(template: Volume) -> tuple[NDArray[np.bool_], tuple[NDArray[np.bool_], ...]]:
    """The brain with its rim, and the parts of it that lie some voxels below its surface."""
    brain = sitk.GetImageFromArray((template.array.T > _BRAIN).astype(np.uint8))
    dilated = sitk.BinaryDilate(brain, [1, 1, 1])
    inner = [sitk.BinaryErode(brain, [depth] * 3) for depth in _DEPTHS]
    return _as_mask(dilated), tuple(_as_mask(each) for each in inner)


def _as_mask(picture: sitk.Image) -> NDArray[np.bool_]:
    return np.asarray(sitk.GetArrayFromImage(picture)).T > 0


def _crown(fine: Volume) -> NDArray[np.float64]:
    """The highest point of the head, over the middle of what lies less than a head's height below it: (3,) RAS mm."""
    smooth = sitk.SmoothingRecursiveGaussian(image(fine.array, fine.grid), _FINE_MM)
    inside = np.asarray(sitk.GetArrayFromImage(sitk.OtsuThreshold(smooth, 0, 1))).T > 0
    sections = inside.sum(axis=(0, 1)) * _FINE_MM**2
    heads = np.flatnonzero(sections > _LEAST_SECTION_MM2)
    if not heads.size:
        raise UnsuitableInput("no head was found in the volume", code="localisation_poor")
    top = int(heads.max())
    inside[:, :, : max(0, top - int(_HEAD_MM / _FINE_MM))] = False
    i, j, _ = np.argwhere(inside).mean(axis=0)
    return fine.grid.point((i, j, top))


def _core(grid: Grid, crown: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The voxels of a sphere in the middle of the brain, about a brain's half height below the crown."""
    axes = [np.arange(n) * grid.affine[a, a] + grid.affine[a, 3] for a, n in enumerate(grid.shape)]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    off = (x - crown[0]) ** 2 + (y - crown[1]) ** 2 + (z - crown[2] + _CROWN_TO_CORE_MM) ** 2
    return np.asarray(off < _CORE_MM**2)


def _pose(level: _Level, crown: NDArray[np.float64], start: Angles) -> sitk.Euler3DTransform | None:
    """A rigid transform found from one starting pose; None where it ran out of the volume."""
    centre = _CENTRE_MM * _FIRST_SCALE
    pose = sitk.Euler3DTransform()
    pose.SetCenter(centre.tolist())
    pose.SetRotation(*(float(angle) for angle in np.radians(start)))
    pose.SetTranslation((crown - [0.0, 0.0, _CROWN_TO_CENTRE_MM] - centre).tolist())

    def metric(method: sitk.ImageRegistrationMethod) -> None:
        method.SetMetricAsMattesMutualInformation(32)

    found = _optimised(level.images(_FIRST_SCALE), pose, metric, step=8.0, least=0.5, iterations=30)
    return pose if found is not None else None


def _refined(level: _Level, pose: sitk.Euler3DTransform) -> tuple[float, sitk.Euler3DTransform] | None:
    """The pose by local correlation, with its value (the lower, the better)."""
    found = _optimised(level.images(_FIRST_SCALE), pose, _correlation, step=4.0, least=0.3, iterations=25)
    return None if found is None else (found, pose)


def _stretched(level: _Level, rigid: Affine) -> Affine:
    """The affine transform near a rigid one: first one scale for all axes, then all twelve numbers, each where it is
    better than what came before."""
    best, value = rigid, np.inf
    candidates: tuple[Linear, Linear] = sitk.Similarity3DTransform(), sitk.AffineTransform(3)
    for transform in candidates:
        transform.SetCenter(_CENTRE_MM.tolist())
        _place(transform, best)
        found = _optimised(level.images(1.0), transform, _correlation, step=1.0, least=0.05, iterations=50)
        if found is not None and found < value:
            best, value = _matrix(transform), found
    return best


def _place(transform: Linear, matrix: Affine) -> None:
    """Set a linear transform with a centre to a matrix."""
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    moved = matrix[:3, :3] @ _CENTRE_MM + matrix[:3, 3]
    transform.SetTranslation((moved - _CENTRE_MM).tolist())


def _correlation(method: sitk.ImageRegistrationMethod) -> None:
    method.SetMetricAsCorrelation()


def _optimised(
    images: tuple[sitk.Image, sitk.Image, sitk.Image],
    transform: Linear,
    metric: Callable[[sitk.ImageRegistrationMethod], None],
    step: float,
    least: float,
    iterations: int,
) -> float | None:
    """Improve `transform` in place by steps of at most `step` mm; its last value, None where too little overlaps."""
    fixed, mask, moving = images
    method = sitk.ImageRegistrationMethod()
    metric(method)
    method.SetMetricFixedMask(mask)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        step, least, iterations, relaxationFactor=0.5, gradientMagnitudeTolerance=1e-8
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(fixed, moving)
    except RuntimeError:  # ITK's one exception: no sample of the template lies in the volume any more
        return None
    return float(method.GetMetricValue())


def _score(level: _Level, transform: Affine) -> float:
    """See Registered; 0 for a transform that no brain needs."""
    scales = np.linalg.svd(transform[:3, :3], compute_uv=False)
    if not _SCALES[0] <= scales.min() <= scales.max() <= _SCALES[1]:
        return 0.0
    grid = level.fixed.grid
    moved = resample(level.moving, Grid(grid.shape, transform @ grid.affine)).array
    return min(_correlated(level.fixed.array[depth], moved[depth]) for depth in level.depths)


def _correlated(here: NDArray[np.float32], there: NDArray[np.float32]) -> float:
    """The correlation of two lists of values; 0 where one of them does not vary."""
    if float(here.std()) == 0.0 or float(there.std()) == 0.0:
        return 0.0
    return float(np.corrcoef(here, there)[0, 1])


def _matrix(transform: Linear) -> Affine:
    """A linear transform as (4, 4), whatever its centre."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = transform.TransformPoint([0.0, 0.0, 0.0])
    return matrix
