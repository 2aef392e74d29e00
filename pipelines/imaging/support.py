"""What the measured data say of a reconstruction: where they speak against it, and where they cannot tell.

A reconstruction fills lines that nobody measured. With several coils the measured lines still bear on what was filled:
one image x, seen through the coils' sensitivities S and sampled by M, has to give back the measured y = M F S x
(Pruessmann et al., MRM 2001;46:638). What is left over, M F S x - y, brought back to the image by the damped inverse of
that model, is the structure that the data would take away. A structure that was only put into unmeasured lines leaves
such a rest, since the coils tie measured and unmeasured lines together; a measured one leaves none. Coils too alike to
tell neighbours apart tie nothing: random probes measure how much of a structure the check would show at each place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Complex = NDArray[np.complex64]
Real = NDArray[np.float32]
Mask = NDArray[np.bool_]
PLANE: Final = (-2, -1)

#: Samples a side of the grid on which is judged: the middle of k-space, a pixel of 1.5 mm of a head.
GRID: Final = 160
#: Side of the middle of k-space from which sensitivities are taken, in samples: they vary slowly.
MAP_SAMPLES: Final = 32
#: Virtual coils that keep nearly all signal (Buehrer et al., MRM 2007;57:1131).
VIRTUAL_COILS: Final = 8
#: Of the inverse. On simulated heads and measured slices 0.1 told planted structures from errors of the maps best.
DAMPING: Final = 0.1
ROUNDS: Final = 12  # of conjugate gradients: the condition is 11 at most
PROBES: Final = 2
SMOOTH: Final = 1.0  # pixels of that grid: the least structure that is judged
WIDE: Final = 6.0  # pixels over which brightness, gain and noise are taken to be even
SIGMAS: Final = 4.0
#: The maps are estimates: a correction below this share of the brightness around it may be their error.
MAP_ERROR: Final = 0.02
AIR: Final = 0.1  # of the brightest tissue, below which nothing is judged
BRIGHTEST: Final = 99.5  # percentile: single pixels above it may be vessels or spikes
LEAST_PIXELS: Final = 4
#: A place counts as checked where a structure of half the brightness around it would be noticed.
NOTICED: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """The check of one plane, each array (rows, columns).

    `correction` float32 is what the data would take away, in the image's unit; `flagged` bool is structure that they
    speak against; `checked` bool is where such structure would have been noticed; `tissue` bool is what was judged.
    `residual` is the share of the measured signal that one image does not explain.
    """

    correction: Real
    flagged: Mask
    checked: Mask
    tissue: Mask
    residual: float

    @property
    def supported(self) -> float:
        """The share of tissue that was checked and not flagged."""
        return float((self.checked & ~self.flagged & self.tissue).sum() / max(int(self.tissue.sum()), 1))

    @property
    def unsupported(self) -> float:
        """The share of tissue that is flagged."""
        return float((self.flagged & self.tissue).sum() / max(int(self.tissue.sum()), 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """y = M F S x of one plane; `axes` are those that were undersampled."""

    maps: Complex  # (coil, rows, columns)
    mask: Mask  # (rows, 1) or (rows, columns)
    axes: tuple[int, ...]

    def normal(self, images: Complex) -> Complex:
        """(n, rows, columns) -> the same: adjoint of the model after the model."""
        samples = _fft(images[:, None] * self.maps, self.axes) * self.mask
        return self.adjoint(samples)

    def adjoint(self, samples: Complex) -> Complex:
        """(n, coil, rows, columns) samples -> (n, rows, columns)."""
        return np.asarray((_ifft(samples, self.axes) * self.maps.conj()).sum(axis=1), np.complex64)

    def inverse(self, images: Complex) -> Complex:
        """(n, rows, columns) adjoint samples -> damped least-squares images, each by its own conjugate gradients."""
        found = np.zeros_like(images)
        rest, direction = images, images
        power = _energy(rest)
        for _ in range(ROUNDS):
            moved = self.normal(direction) + np.float32(DAMPING) * direction
            step = _share(power, np.asarray(np.real(direction.conj() * moved).sum(axis=PLANE), np.float32))
            found = found + step * direction
            rest = rest - step * moved
            power, before = _energy(rest), power
            direction = rest + _share(power, before) * direction
        return found


def check(completed: Complex, measured: Complex, mask: Mask, noise: float) -> list[Support]:
    """Judge neighbouring planes of one mask.

    `completed` and `measured` are (planes, coil, rows, columns) complex64 k-space, centred and orthonormal; `mask`
    (rows, columns) bool; `noise` the standard deviation of one channel of a sample. Noise and gain are found for the
    middle plane and hold for its neighbours. Deterministic.
    """
    shape = (completed.shape[-2], completed.shape[-1])
    if mask.all():
        return [_everything_measured(each) for each in completed]
    basis = _virtual_coils(completed)
    small = [np.einsum("vc,pcyx->pvyx", basis, _middle(each, GRID)) for each in (completed, measured)]
    own = _middle(mask, GRID)
    models = [_model(plane, own) for plane in small[0]]
    level, gain = _sounded(models[len(models) // 2], noise)
    return [
        _spread(_judged(model, filled, known, level, gain), shape)
        for model, filled, known in zip(models, *small, strict=True)
    ]


def sensitivities(kspace: Complex) -> Complex:
    """(coil, rows, columns) k-space -> maps of unit sum of squares, from its Hann-weighted middle."""
    rows, columns = (_hann(size) for size in kspace.shape[-2:])
    smooth = _ifft(kspace * np.outer(rows, columns), PLANE)
    size = np.linalg.norm(smooth, axis=0)
    return np.asarray(smooth / np.maximum(size, 1e-6 * size.max() + np.finfo(np.float32).tiny), np.complex64)


def _model(completed: Complex, mask: Mask) -> _Model:
    is_by_line = bool((mask == mask[:, :1]).all())
    # Where whole lines were measured each column of the image is a problem of its own.
    return _Model(sensitivities(completed), mask[:, :1] if is_by_line else mask, (-2,) if is_by_line else PLANE)


def _sounded(model: _Model, noise: float) -> tuple[Real, Real]:
    """The standard deviation of the correction that noise alone makes, and the share of a false structure it shows."""
    random = np.random.default_rng(0)
    shape = model.maps.shape
    white = (random.standard_normal((1, *shape)) + 1j * random.standard_normal((1, *shape))).astype(np.complex64)
    probes = np.sign(random.standard_normal((PROBES, *shape[1:]))).astype(np.complex64)
    unmeasured = probes - model.normal(probes)
    asked = [model.adjoint(white * np.float32(noise) * model.mask), model.normal(unmeasured)]
    answer = model.inverse(np.concatenate(asked))
    level = np.sqrt(ndimage.gaussian_filter(np.abs(_smooth(answer[0])) ** 2, WIDE))
    shown, there = (
        np.asarray(ndimage.gaussian_filter(np.real(probes.conj() * images).mean(axis=0), WIDE), np.float32)
        for images in (answer[1:], unmeasured)
    )
    gain = np.clip(shown / np.maximum(there, 1e-3), 0, 1)
    return level.astype(np.float32), gain.astype(np.float32)


def _judged(model: _Model, completed: Complex, measured: Complex, level: Real, gain: Real) -> Support:
    image = (_ifft(completed, PLANE) * model.maps.conj()).sum(axis=0)
    sampled = measured if model.axes == PLANE else _ifft(measured, (-1,))
    rest = _fft(image * model.maps, model.axes) * model.mask - sampled
    residual = float(np.linalg.norm(rest)) / (float(np.linalg.norm(sampled)) or 1.0)
    correction = np.abs(_smooth(model.inverse(model.adjoint(rest[None]))[0]))
    brightness = np.abs(image)
    around = np.asarray(ndimage.gaussian_filter(brightness, WIDE), np.float32)
    tissue = around > AIR * np.percentile(brightness, BRIGHTEST)
    threshold = SIGMAS * level + MAP_ERROR * around
    checked = threshold <= NOTICED * around * gain
    return Support(correction.astype(np.float32), _large(tissue & (correction > threshold)), checked, tissue, residual)


def _everything_measured(completed: Complex) -> Support:
    """Nothing was filled: all is measured, thus supported."""
    image = np.linalg.norm(_ifft(completed, PLANE), axis=0)
    everywhere = np.ones(image.shape, np.bool_)
    tissue = ndimage.gaussian_filter(image, WIDE) > AIR * np.percentile(image, BRIGHTEST)
    return Support(np.zeros(image.shape, np.float32), ~everywhere, everywhere, tissue, 0.0)


def _spread(support: Support, shape: tuple[int, int]) -> Support:
    """The same on the plane's own grid. An orthonormal transform of fewer samples makes smaller values; undone here."""
    small = support.correction.shape
    if small == shape:
        return support
    places = np.ix_(*((np.arange(n) * m // n) for n, m in zip(shape, small, strict=True)))
    scale = np.float32(np.sqrt(np.prod(small) / np.prod(shape)))
    return Support(
        support.correction[places] * scale,
        support.flagged[places],
        support.checked[places],
        support.tissue[places],
        support.residual,
    )


def _large(flagged: Mask) -> Mask:
    """The flagged areas that are no specks."""
    labels, count = ndimage.label(flagged)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    return np.asarray(sizes[labels] >= LEAST_PIXELS)


def _virtual_coils(completed: Complex) -> Complex:
    """(virtual, coil): combinations of coils that hold most of the middle's energy; few coils stay as they are."""
    coils = completed.shape[1]
    if coils <= VIRTUAL_COILS:
        return np.eye(coils, dtype=np.complex64)
    middle = _middle(completed, MAP_SAMPLES).swapaxes(0, 1).reshape(coils, -1)
    vectors = np.linalg.eigh(middle @ middle.conj().T)[1]  # ascending
    return np.asarray(vectors[:, ::-1][:, :VIRTUAL_COILS].conj().T, np.complex64)


def _middle(values: NDArray[np.generic], side: int) -> NDArray:  # type: ignore[type-arg]
    """The middle of the last two axes, at most `side` a side."""
    rows, columns = (_span(size, side) for size in values.shape[-2:])
    return np.ascontiguousarray(values[..., slice(*rows), slice(*columns)])


def _span(size: int, side: int) -> tuple[int, int]:
    width = min(side, size)
    start = size // 2 - width // 2
    return start, start + width


def _hann(size: int) -> Real:
    start, stop = _span(size, MAP_SAMPLES)
    window = np.zeros(size, np.float32)
    window[start:stop] = np.hanning(stop - start + 2)[1:-1]
    return window


def _smooth(image: Complex) -> Complex:
    parts: Sequence[Real] = [ndimage.gaussian_filter(part, SMOOTH) for part in (image.real, image.imag)]
    return np.asarray(parts[0] + 1j * parts[1], np.complex64)


def _energy(images: Complex) -> Real:
    return np.asarray((np.abs(images) ** 2).sum(axis=PLANE), np.float32)


def _share(part: Real, whole: Real) -> Real:
    """(n, 1, 1) quotients, 0 where there is nothing left."""
    quotient = np.divide(part, whole, out=np.zeros_like(part), where=whole > np.finfo(np.float32).tiny)
    return quotient[:, None, None]


def _fft(values: Complex, axes: tuple[int, ...]) -> Complex:
    moved = fft.fftn(fft.ifftshift(values, axes=axes), axes=axes, norm="ortho")
    return np.asarray(fft.fftshift(moved, axes=axes), np.complex64)


def _ifft(values: Complex, axes: tuple[int, ...]) -> Complex:
    moved = fft.ifftn(fft.ifftshift(values, axes=axes), axes=axes, norm="ortho")
    return np.asarray(fft.fftshift(moved, axes=axes), np.complex64)
