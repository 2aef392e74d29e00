"""The acquisitions of ISMRM raw data: which of them are lines of the image, and each line's place on the grid.

Source: ISMRMRD 1.13 (ismrmrd.h, ismrmrd.xsd), Inati et al., MRM 2017;77:411. Averages are averaged; lines measured by
reversed readout are turned round. Several echoes, phases, repetitions or sets of one slice are refused, since one
series of images cannot hold them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from pipelines.core.errors import NotAnImage, UnsuitableInput
from pipelines.imaging import kspace_hdf5
from pipelines.imaging.kspace import KspaceNote
from pipelines.imaging.kspace_source import believable
from pipelines.imaging.kspace_xml import Encoding, Limits, RawHeader, parse

#: ismrmrd.h, ISMRMRD_AcquisitionFlags, counted from 1.
NOISE: Final = 19
_CALIBRATION: Final = 20
_REVERSED: Final = 22
#: Navigators, phase correction, feedback, dummies, coil correction, phase stabilisation: no lines of the image.
_ASIDE: Final = (23, 24, 26, 27, 28, 29, 30, 31)
_ROWS_A_READ: Final = 512
_ONE_IMAGE: Final = ("contrast", "phase", "repetition", "set")
#: Separate calibration scans may differ in contrast: ismrmrd.xsd, calibrationMode.
_OWN_SCAN: Final = frozenset({"separate", "external"})


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """The imaging lines: `number` in the table, grid `row` and `partition`, `slice`, and where samples begin."""

    number: NDArray[np.int64]
    slice: NDArray[np.int64]
    row: NDArray[np.int64]
    partition: NDArray[np.int64]
    reverse: NDArray[np.bool_]
    heads: NDArray[np.void]


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """An opened file's parts."""

    table: h5py.Dataset
    raw: RawHeader
    encoding: Encoding
    heads: NDArray[np.void]
    lines: Lines
    slices: tuple[int, ...]
    coils: int
    notes: tuple[KspaceNote, ...]

    @property
    def grid(self) -> tuple[int, int, int]:
        """(x, y, z) of the encoded matrix; z is 1 for 2D data."""
        return self.encoding.matrix

    @property
    def shown(self) -> int:
        """Readout pixels that remain once oversampling is removed."""
        share = min(self.encoding.recon_view_mm[0] / self.encoding.view_mm[0], 1.0)
        return max(1, round(self.grid[0] * share))


def open_scan(group: h5py.Group) -> Scan:
    raw = parse(kspace_hdf5.text(kspace_hdf5.dataset(group, "xml")))
    table = kspace_hdf5.dataset(group, "data")
    if table.ndim != 1 or table.dtype.names is None or not {"head", "data"} <= set(table.dtype.names):
        raise NotAnImage("the raw data's table of acquisitions is none", code="kspace_header")
    encoding = raw.encodings[0]
    if encoding.trajectory != "cartesian":
        raise UnsuitableInput("only Cartesian raw data are read", code="kspace_not_cartesian")
    heads = np.concatenate([table.fields("head")[a:b] for a, b in _batches(len(table))] or [np.empty(0)])
    if not len(heads):
        raise UnsuitableInput("the raw data hold no acquisitions", code="kspace_empty")
    chosen, notes = _chosen(heads, encoding)
    lines, more = _placed(heads, chosen, encoding)
    coils = {int(count) for count in heads["active_channels"][chosen]}
    if len(coils) != 1:
        raise UnsuitableInput("lines differ in their number of coils", code="kspace_matrix", coils=sorted(coils))
    slices = tuple(int(each) for each in np.unique(lines.slice))
    believable(min(coils), len(slices), *encoding.matrix)
    return Scan(table, raw, encoding, heads, lines, slices, min(coils), (*notes, *more))


def _chosen(heads: NDArray[np.void], encoding: Encoding) -> tuple[NDArray[np.int64], list[KspaceNote]]:
    """The numbers of the acquisitions that are lines of the image, and what was left out."""
    is_aside = np.zeros(len(heads), dtype=np.bool_)
    for flag in (NOISE, *_ASIDE):
        is_aside |= has_flag(heads, flag)
    notes = []
    is_own_scan = has_flag(heads, _CALIBRATION) & ~is_aside & (encoding.calibration_mode in _OWN_SCAN)
    if is_own_scan.any():
        count = int(is_own_scan.sum())
        notes.append(KspaceNote("separate_calibration", f"{count} lines of a separate calibration scan were left out"))
    chosen = np.flatnonzero(~is_aside & ~is_own_scan)
    if not len(chosen):
        raise UnsuitableInput("the raw data hold no lines of an image", code="kspace_empty")
    if (heads["encoding_space_ref"][chosen] != 0).any():
        raise UnsuitableInput("the raw data hold images of several encodings", code="kspace_several_images")
    for counter in _ONE_IMAGE:
        count = len(np.unique(heads["idx"][counter][chosen]))
        if count > 1:
            raise UnsuitableInput(
                f"the raw data hold several images of each slice, told apart by {counter}; one file has to hold one",
                code="kspace_several_images",
                images=count,
            )
    averages = len(np.unique(heads["idx"]["average"][chosen]))
    if averages > 1:
        notes.append(KspaceNote("averages", f"{averages} averages were averaged"))
    return chosen, notes


def _placed(heads: NDArray[np.void], chosen: NDArray[np.int64], encoding: Encoding) -> tuple[Lines, list[KspaceNote]]:
    """Each chosen line's place on the grid; raises UnsuitableInput (kspace_matrix) where one lies outside."""
    own, notes = heads[chosen], []
    rows = _steps(own["idx"]["kspace_encode_step_1"], encoding.steps[0], encoding.matrix[1])
    partitions = _steps(own["idx"]["kspace_encode_step_2"], encoding.steps[1], encoding.matrix[2])
    for places, size in ((rows, encoding.matrix[1]), (partitions, encoding.matrix[2])):
        if places.min() < 0 or places.max() >= size:
            raise UnsuitableInput(
                "lines lie outside the encoded matrix", code="kspace_matrix", lowest=int(places.min()), size=size
            )
    reverse = has_flag(own, _REVERSED)
    if reverse.any():
        notes.append(
            KspaceNote("reversed_readout", f"{int(reverse.sum())} lines of reversed readout were turned round")
        )
    slices = own["idx"]["slice"].astype(np.int64)
    if encoding.matrix[2] > 1 and len(np.unique(slices)) > 1:
        raise UnsuitableInput("3D data of several slabs are not read", code="kspace_several_images")
    return Lines(chosen, slices, rows, partitions, reverse, own), notes


def _steps(counter: NDArray[np.uint16], limits: Limits | None, size: int) -> NDArray[np.int64]:
    """Encoding steps as grid indices: the step that the header calls centre comes to size // 2."""
    centre = limits.centre if limits else size // 2
    return counter.astype(np.int64) - centre + size // 2


def has_flag(heads: NDArray[np.void], flag: int) -> NDArray[np.bool_]:
    return np.asarray(heads["flags"] >> np.uint64(flag - 1) & np.uint64(1), dtype=np.bool_)


def _batches(count: int) -> Iterator[tuple[int, int]]:
    for start in range(0, count, _ROWS_A_READ):
        yield start, min(start + _ROWS_A_READ, count)


def samples_of(scan: Scan, wanted: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.complex64]]]:
    """(place in `wanted`, samples (coil, n) complex64) of the wanted numbers of the table, which ascend."""
    for start, stop in _batches(len(scan.heads)):
        inside = np.flatnonzero((wanted >= start) & (wanted < stop))
        if not len(inside):
            continue
        first = int(wanted[inside[0]])
        block = scan.table.fields("data")[first : int(wanted[inside[-1]]) + 1]
        for place in inside:
            number = int(wanted[place])
            head, values = scan.heads[number], np.asarray(block[number - first], dtype=np.float32)
            count, coils = int(head["number_of_samples"]), int(head["active_channels"])
            if values.size != 2 * count * coils:
                raise NotAnImage("a line holds other samples than its header says", code="kspace_header")
            yield int(place), values.view(np.complex64).reshape(coils, count)


def line_on_grid(scan: Scan, place: int, samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """One line's samples on the readout grid (coil, x), its centre sample at x // 2, zero where not measured."""
    head, x = scan.lines.heads[place], scan.grid[0]
    count = samples.shape[1]
    start, stop = int(head["discard_pre"]), count - int(head["discard_post"])
    centre = int(head["center_sample"]) or count // 2  # many writers leave it 0
    if scan.lines.reverse[place]:
        samples, centre = samples[:, ::-1], count - 1 - centre
        start, stop = count - stop, count - start
    first = x // 2 - centre + start
    if start >= stop or first < 0 or first + stop - start > x:
        raise UnsuitableInput("a line is longer than the encoded matrix", code="kspace_matrix", samples=count, size=x)
    line = np.zeros((len(samples), x), np.complex64)
    line[:, first : first + stop - start] = samples[:, start:stop]
    return line
