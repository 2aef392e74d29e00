"""Raw data in the ISMRM format: its acquisitions as planes of k-space, their noise, and where the images lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from pipelines.imaging import kspace_hdf5, kspace_place
from pipelines.imaging.kspace import KspaceHeader, KspaceNote, Layout
from pipelines.imaging.kspace_acquisitions import NOISE, Scan, has_flag, line_on_grid, open_scan, samples_of
from pipelines.imaging.kspace_source import Kspace, Place, RawSource, Span, middle, without_oversampling

_DEFAULT_GROUP: Final = "dataset"  # ismrmrd's own default name
_IN_PLACE: Final = (0, 1, 2)
#: (readout, phase, partition) of a slab to (partition, phase, readout).
_SLAB: Final = (2, 1, 0)
_NOISE_SAMPLES: Final = 1 << 16  # a channel: the covariance is then known to 0.4 %
#: Complex samples of one read of a slab's lines.
_CHUNK: Final = 1 << 22


def find_group(file: h5py.File) -> h5py.Group | None:
    """The group with `xml` and `data`, "dataset" first; None where the file holds none."""
    names = [_DEFAULT_GROUP, *(name for name in file if name != _DEFAULT_GROUP)]
    for name in names:
        if kspace_hdf5.has(file, name) and isinstance(file[name], h5py.Group):
            group = file[name]
            if kspace_hdf5.has(group, "xml") and kspace_hdf5.has(group, "data"):
                return group
    return None


def read_header(group: h5py.Group) -> KspaceHeader:
    """What the file says of itself; raises NotAnImage, UnsuitableInput."""
    return _header(open_scan(group))


def open_source(group: h5py.Group) -> RawSource:
    """The file's planes; raises UnsuitableInput where its lines make no Cartesian grid of one image."""
    scan = open_scan(group)
    notes = list(scan.notes)
    x, y, z = scan.grid
    if scan.shown != x:
        notes.append(KspaceNote("readout_oversampling", f"readout oversampling of {x / scan.shown:g} was removed"))
    place, order, more = _place(scan)
    planes, columns = (scan.shown, z) if z > 1 else (len(scan.slices), scan.shown)
    read = _slab_reader(scan) if z > 1 else _slice_reader(scan, order)
    return RawSource(_header(scan), planes, y, columns, read, place, _noise(scan), notes=(*notes, *more))


def _header(scan: Scan) -> KspaceHeader:
    x, y, z = scan.grid
    return KspaceHeader(
        layout=Layout.ISMRMRD,
        slices=len(scan.slices),
        partitions=z,
        coils=scan.coils,
        rows=y,
        columns=x,
        readout_oversampling=x / scan.shown,
        field_of_view_mm=scan.encoding.view_mm,
        has_reference=False,
        identity=scan.raw.identity,
        protocol=scan.raw.protocol,
    )


def _slice_reader(scan: Scan, order: tuple[int, ...]) -> Callable[[int, int], Kspace]:
    """Planes are slices in their `order`: lines summed onto the grid, divided by how often each was measured."""
    rank = np.argsort(order)

    def read(start: int, stop: int) -> Kspace:
        x, y, _ = scan.grid
        lines = scan.lines
        planes = np.zeros((stop - start, scan.coils, y, x), np.complex64)
        times = np.zeros((stop - start, y), np.int64)
        plane_of = rank[np.searchsorted(scan.slices, lines.slice)]
        wanted = np.flatnonzero((plane_of >= start) & (plane_of < stop))
        for index, samples in samples_of(scan, lines.number[wanted]):
            place = int(wanted[index])
            plane, row = int(plane_of[place]) - start, int(lines.row[place])
            planes[plane, :, row] += line_on_grid(scan, place, samples)
            times[plane, row] += 1
        planes /= np.maximum(times, 1)[:, None, :, None]
        return np.ascontiguousarray(without_oversampling(planes, 3, scan.shown))

    return read


def _slab_reader(scan: Scan) -> Callable[[int, int], Kspace]:
    """Planes are positions along the readout: each line is transformed, and only the wanted positions are kept."""

    def read(start: int, stop: int) -> Kspace:
        x, y, z = scan.grid
        first = middle(x, scan.shown)[0] + start
        planes = np.zeros((stop - start, scan.coils, y, z), np.complex64)
        times = np.zeros((y, z), np.int64)
        for place, samples in samples_of(scan, scan.lines.number):
            line = np.fft.ifft(np.fft.ifftshift(line_on_grid(scan, place, samples), axes=1), axis=1, norm="ortho")
            image = np.fft.fftshift(line, axes=1)[:, first : first + stop - start]
            row, partition = int(scan.lines.row[place]), int(scan.lines.partition[place])
            planes[:, :, row, partition] += image.T.astype(np.complex64)
            times[row, partition] += 1
        planes /= np.maximum(times, 1)
        return planes

    return read


def _noise(scan: Scan) -> Kspace | None:
    """Samples of the noise measurements (coil, n), scaled to the bandwidth of the image's lines; None without any.

    Noise grows with the root of the bandwidth, which is one over the dwell time.
    """
    wanted = np.flatnonzero(has_flag(scan.heads, NOISE) & (scan.heads["active_channels"] == scan.coils))
    dwell = float(np.median(scan.lines.heads["sample_time_us"]))
    found, count = [], 0
    for index, samples in samples_of(scan, wanted):
        own = float(scan.heads[wanted[index]]["sample_time_us"])
        found.append(samples * np.sqrt(own / dwell if own > 0 and dwell > 0 else 1.0))
        count += samples.shape[1]
        if count >= _NOISE_SAMPLES:
            break
    return np.concatenate(found, axis=1).astype(np.complex64) if found else None


def _place(scan: Scan) -> tuple[Place, tuple[int, ...], list[KspaceNote]]:
    """Where the planes' images lie, the slices' order there, and what of it is nominal."""
    encoding, head = scan.encoding, scan.lines.heads[0]
    axes = kspace_place.directions(
        *(np.asarray(head[name], np.float64) for name in ("read_dir", "phase_dir", "slice_dir"))
    )
    directions = kspace_place.AXIAL if axes is None else axes
    centres = _centres(scan)
    x, y, z = encoding.matrix
    rows = _shown(y, encoding.recon_view_mm[1] / encoding.view_mm[1])
    shown_z = _shown(z, encoding.recon_view_mm[2] / encoding.view_mm[2]) if z > 1 else (0, 1)
    order: tuple[int, ...]
    if z > 1:
        order, step, is_known = (0,), encoding.view_mm[2] / z, True
    else:
        order, step, is_known = kspace_place.stacked(centres, directions[:, 2], encoding.recon_view_mm[2])
    spacing = np.array([encoding.view_mm[0] / x, encoding.view_mm[1] / y, step])
    kept = np.array([scan.shown, rows[1] - rows[0], shown_z[1] - shown_z[0]])
    affine = kspace_place.affine(directions, spacing, centres[order[0]], kept // 2)
    geometry = kspace_place.certainty(axes is not None, is_known)
    crop, turn = ((rows, shown_z), _SLAB) if z > 1 else ((rows, (0, scan.shown)), _IN_PLACE)
    return Place(turn, crop, affine, geometry), order, _doubts(axes is not None, is_known)


def _centres(scan: Scan) -> NDArray[np.float64]:
    """The centre of each slice (slices, 3) LPS mm."""
    positions = np.asarray(scan.lines.heads["position"], np.float64)
    return np.stack([positions[scan.lines.slice == each].mean(axis=0) for each in scan.slices])


def _shown(size: int, share: float) -> Span:
    """The pixels of `size` that show `share` of the encoded field of view."""
    return middle(size, max(1, round(size * min(share, 1.0))))


def _doubts(has_directions: bool, has_positions: bool) -> list[KspaceNote]:
    notes = []
    if not has_directions:
        notes.append(KspaceNote("directions_unknown", "the lines state no directions: axial images are assumed"))
    if not has_positions:
        sentence = "the slices' positions are missing or uneven: they are stacked in order, one thickness apart"
        notes.append(KspaceNote("positions_unknown", sentence))
    return notes
