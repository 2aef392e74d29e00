"""One pass over all samples of raw data: what was acquired, which coils live, how much noise there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.core.errors import UnsuitableInput
from pipelines.imaging.kspace import COMPLEX_BYTES, KspaceNote, Survey
from pipelines.imaging.kspace_source import Kspace, RawSource

#: Samples held at a time: the child's limit leaves room for eight copies.
SLAB_BYTES: Final = 1 << 27
#: The middle quarter of either axis. Anatomy keeps 80 % and more of its energy there, noise and images a sixteenth.
_MIDDLE: Final = 8  # one in so many to either side
_LEAST_CENTRAL: Final = 0.4
#: A coil whose samples are as large at the edge of k-space as in the middle has heard noise alone.
_NOISE_ONLY: Final = 1.2
_SILENT: Final = 1e-8  # of the median coil's energy
_UNEVEN: Final = 100.0  # ratio of energies: a tenfold gain
_NORMAL_QUARTER: Final = 0.3186  # a quarter of |x| is smaller, for the normal distribution
_EDGE: Final = 16  # one in so many columns and rows at either end serves to estimate noise
#: Less than 9/16 of k-space leaves too little on the short side to correct phase with (Noll et al. 1991).
_LEAST_PARTIAL: Final = 0.55
_SYMMETRIC: Final = 0.02  # of the rows
#: The loudest coil's norm. The unit is the scanner's own, but squares of the samples, and their sums over coils, have
#: to stay what float32 can hold (1e-38 to 3e38).
_SCALES: Final = (1e-12, 1e15)
_SAMPLES_A_COIL: Final = 4  # noise samples for each entry of a row of the covariance


@dataclass(eq=False)
class _Tally:
    """What is summed over all planes."""

    lines: NDArray[np.bool_]  # (planes, rows)
    samples: NDArray[np.bool_]  # (rows, columns)
    energy: NDArray[np.float64]  # (coil,)
    central: NDArray[np.float64]  # (coil,)
    edges: list[NDArray[np.float32]]


def survey(source: RawSource) -> Survey:
    """All that has to be known before planes are reconstructed.

    Raises UnsuitableInput: kspace_not_finite, kspace_empty, kspace_scale, kspace_not_centred, kspace_mask_disagrees,
    kspace_partial_fourier.
    """
    tally = _tallied(source)
    if not tally.lines.any():
        raise UnsuitableInput("the raw data are all zero", code="kspace_empty")
    _check_scale(tally)
    notes = list(source.notes)
    masks = _masks(source, tally)
    coils = _living(tally, notes)
    _check_centred(tally, coils)
    _check_mask(source, masks)
    covered = _covered(masks, source.rows, notes)
    whitening, noise = _whitening(source, coils, tally, notes)
    place = source.place
    return Survey(
        planes=source.planes,
        rows=source.rows,
        columns=source.columns,
        coils=coils,
        masks=masks,
        whitening=whitening,
        noise=noise,
        is_noise_measured=whitening is not None,
        covered=covered,
        crop=place.crop,
        axes=place.axes,
        affine=place.affine,
        geometry=place.geometry,
        notes=tuple(notes),
    )


def _tallied(source: RawSource) -> _Tally:
    coils = source.header.coils
    tally = _Tally(
        lines=np.zeros((source.planes, source.rows), np.bool_),
        samples=np.zeros((source.rows, source.columns), np.bool_),
        energy=np.zeros(coils),
        central=np.zeros(coils),
        edges=[],
    )
    rows, columns = _middle(source.rows), _middle(source.columns)
    count = max(1, SLAB_BYTES // (coils * source.rows * source.columns * COMPLEX_BYTES))
    for start in range(0, source.planes, count):
        block = source.read(start, min(start + count, source.planes))
        power = block.real.astype(np.float64) ** 2 + block.imag.astype(np.float64) ** 2
        if not np.isfinite(power.sum()):
            raise UnsuitableInput("the raw data hold values that are no numbers", code="kspace_not_finite")
        is_there = power > 0
        tally.lines[start : start + len(block)] = is_there.any(axis=(1, 3))
        tally.samples |= is_there.any(axis=(0, 1))
        tally.energy += power.sum(axis=(0, 2, 3))
        tally.central += power[:, :, rows, columns].sum(axis=(0, 2, 3))
        tally.edges.append(_edge_noise(block))
    return tally


def _middle(size: int) -> slice:
    reach = max(1, size // _MIDDLE)
    return slice(max(size // 2 - reach, 0), size // 2 + reach + 1)


def _edge_noise(block: Kspace) -> NDArray[np.float32]:
    """Per coil the standard deviation of one channel, from the corners' acquired samples; nan where there are none.

    The smaller quarter of the values decides: detail of the image reaches into the corners here and there.
    """
    rows, columns = (max(1, size // _EDGE) for size in block.shape[-2:])
    edge = np.concatenate([block[..., :columns], block[..., -columns:]], axis=-1)
    edge = np.concatenate([edge[:, :, : 4 * rows], edge[:, :, -4 * rows :]], axis=-2)
    levels = np.full(block.shape[1], np.nan, np.float32)
    for coil in range(block.shape[1]):
        values = edge[:, coil]
        values = values[values != 0]
        if values.size:
            levels[coil] = np.quantile(np.abs(values.view(np.float32)), 0.25) / _NORMAL_QUARTER
    return levels


def _masks(source: RawSource, tally: _Tally) -> NDArray[np.bool_]:
    """(planes, rows) where whole lines were acquired, else (rows, columns).

    Columns without any sample are an echo acquired in part, not a pattern of sampling.
    """
    rows = tally.samples.any(axis=1)
    pattern = tally.samples[rows][:, tally.samples.any(axis=0)]
    if pattern.all() and not source.header.is_3d:
        return tally.lines
    return tally.samples


def _living(tally: _Tally, notes: list[KspaceNote]) -> tuple[int, ...]:
    """The coils that heard the body; the others are left out, with a note."""
    rows, columns = (_middle(size) for size in tally.samples.shape)
    even = tally.samples[rows, columns].sum() / tally.samples.sum()  # the central share of pure noise
    silent = tally.energy <= _SILENT * np.median(tally.energy[tally.energy > 0])
    share = tally.central / np.where(tally.energy > 0, tally.energy, 1)
    dead = silent | (share < _NOISE_ONLY * even) if even * _NOISE_ONLY < 1 else silent
    living = tuple(int(coil) for coil in np.flatnonzero(~dead))
    if not living:
        raise UnsuitableInput("no coil holds a signal in the middle of k-space", code="kspace_not_centred")
    if dead.any():
        numbers = ", ".join(str(coil + 1) for coil in np.flatnonzero(dead))
        notes.append(KspaceNote("dead_coils", f"coils without signal were left out: {numbers} of {len(dead)}"))
    energy = tally.energy[list(living)]
    if energy.max() > _UNEVEN * energy.min():
        ratio = float(np.sqrt(energy.max() / energy.min()))
        notes.append(KspaceNote("uneven_coils", f"the strongest coil is {ratio:.0f} times as loud as the weakest"))
    return living


def _check_scale(tally: _Tally) -> None:
    least, most = _SCALES
    norm = float(np.sqrt(tally.energy.max()))
    if not least <= norm <= most:
        raise UnsuitableInput(
            "the raw data's values are too large or too small to compute with",
            code="kspace_scale",
            norm=float(f"{norm:.3g}"),
            least=least,
            most=most,
        )


def _check_centred(tally: _Tally, coils: tuple[int, ...]) -> None:
    chosen = list(coils)
    share = float(tally.central[chosen].sum() / tally.energy[chosen].sum())
    if share < _LEAST_CENTRAL:
        raise UnsuitableInput(
            "the energy does not lie in the middle of the last two axes: not centred, axes exchanged, or an image",
            code="kspace_not_centred",
            central_share=round(share, 3),
        )


def _check_mask(source: RawSource, masks: NDArray[np.bool_]) -> None:
    """Raises UnsuitableInput where the stored mask and the samples contradict each other.

    A mask may claim lines beyond the first and last measured one: fastMRI pads those with zeros.
    """
    stored = source.stored_mask
    if stored is None:
        return
    is_by_line = masks.shape == (source.planes, source.rows)
    if is_by_line:
        claimed = np.broadcast_to(stored if stored.ndim == 1 else stored.any(axis=1), masks.shape)
        rows, measured = masks.any(axis=0), masks
    else:
        claimed = np.broadcast_to(stored[:, None] if stored.ndim == 1 else stored, masks.shape).T
        rows, measured = masks.any(axis=1), masks.T
    first, last = np.flatnonzero(rows)[[0, -1]]
    inside = slice(first, last + 1)
    wrong = int((claimed[:, inside] != measured[:, inside]).sum())
    if wrong:
        raise UnsuitableInput(
            "the mask disagrees with the samples: lines it names are empty, or others are filled",
            code="kspace_mask_disagrees",
            disagreeing=wrong,
            of=measured.size,
        )


def _covered(masks: NDArray[np.bool_], rows: int, notes: list[KspaceNote]) -> tuple[int, int]:
    """The extent of rows in which lines were acquired: all but edges wider than any gap between lines."""
    is_by_line = masks.shape[1] == rows and masks.shape[0] != rows
    lines = np.flatnonzero(masks.any(axis=0 if is_by_line else 1))
    gap = int(np.diff(lines).max()) if len(lines) > 1 else 1
    start = int(lines[0]) if lines[0] >= 2 * gap else 0
    stop = int(lines[-1]) + 1 if rows - 1 - lines[-1] >= 2 * gap else rows
    before, after = rows // 2 - start, stop - rows // 2
    if (start, stop) == (0, rows):
        return start, stop
    if abs(before - after) <= max(2, _SYMMETRIC * rows):
        share = (stop - start) / rows
        notes.append(
            KspaceNote("reduced_resolution", f"{share:.0%} of the phase encoding was acquired, the rest is zero")
        )
        return start, stop
    share = (stop - start) / (2 * max(before, after))
    if share < _LEAST_PARTIAL:
        raise UnsuitableInput(
            "too little of k-space was acquired", code="kspace_partial_fourier", share=round(share, 3)
        )
    notes.append(KspaceNote("partial_fourier", f"{share:.0%} of k-space was acquired along the phase encoding"))
    return start, stop


def _whitening(
    source: RawSource, coils: tuple[int, ...], tally: _Tally, notes: list[KspaceNote]
) -> tuple[NDArray[np.complex128] | None, float]:
    """The matrix that makes the coils' noise white and equal, and one channel's standard deviation afterwards.

    The mean noise power stays, so that the unit does. Source: Pruessmann et al., MRM 2001;46:638, appendix A.
    """
    levels = np.stack(tally.edges)[:, list(coils)]
    known = levels[np.isfinite(levels)]
    estimate = float(np.sqrt(np.mean(known**2))) if known.size else 0.0
    if source.noise is None:
        return None, estimate
    noise = source.noise[list(coils)].astype(np.complex128)
    noise = noise[:, np.isfinite(noise).all(axis=0)]
    if noise.shape[1] < _SAMPLES_A_COIL * len(coils):
        notes.append(KspaceNote("noise_too_short", "the noise measurement is too short and was not used"))
        return None, estimate
    covariance = noise @ noise.conj().T / noise.shape[1]
    power = float(covariance.trace().real) / len(coils)
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        notes.append(KspaceNote("noise_singular", "the noise measurement is singular and was not used"))
        return None, estimate
    notes.append(KspaceNote("prewhitened", f"noise was made white from {noise.shape[1]} samples a coil"))
    return np.sqrt(power) * np.linalg.inv(factor), float(np.sqrt(power / 2))
