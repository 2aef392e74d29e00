"""Raw MRI data made in the test: a head seen by simulated coils, in fastMRI's layout or as ISMRM acquisitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import ismrmrd
import numpy as np
from numpy.typing import NDArray
from skimage.data import shepp_logan_phantom
from skimage.transform import resize

from pipelines.imaging.fourier import equispaced_mask, rss, to_image, to_kspace

SIDE = 64
COILS = 6
NOISE = 0.002  # of the brightest tissue


def head(slices: int = 1, side: int = SIDE) -> NDArray[np.float32]:
    """(slices, y, x): the Shepp-Logan phantom, smaller from slice to slice, with a spot at the upper left."""
    image = resize(shepp_logan_phantom(), (side, side), anti_aliasing=True)
    image[side // 4 : side // 4 + 4, side // 3 : side // 3 + 4] += 0.3
    return np.stack([image * (1 - 0.1 * number) for number in range(slices)]).astype(np.float32)


def coils(count: int, side: int = SIDE) -> NDArray[np.complex64]:
    """(coil, y, x): loops in a ring around the head."""
    y, x = np.meshgrid(*(2 * [np.linspace(-1, 1, side)]), indexing="ij")
    angles = 2 * np.pi * np.arange(count) / count
    distance = (x - np.cos(angles)[:, None, None]) ** 2 + (y - np.sin(angles)[:, None, None]) ** 2
    return (np.exp(-distance / 1.2) * np.exp(1j * (angles[:, None, None] + 0.5 * x * y))).astype(np.complex64)


def full(slices: int = 1, count: int = COILS, side: int = SIDE) -> NDArray[np.complex64]:
    """(slices, coil, ky, kx) complex64, fully sampled, with noise."""
    maps = coils(count, side) if count > 1 else np.ones((1, side, side), np.complex64)
    kspace = to_kspace(head(slices, side)[:, None] * maps)
    random = np.random.default_rng(0)
    noise = random.standard_normal((2, *kspace.shape)).astype(np.float32) * NOISE
    return kspace + noise[0] + 1j * noise[1]


def lines(side: int = SIDE, acceleration: int = 4) -> NDArray[np.bool_]:
    """(ky,) bool: every so many lines, and the middle 12 %."""
    return equispaced_mask(side, acceleration, 0.12, seed=1)


def write_fastmri(
    path: Path, kspace: NDArray[np.complex64], mask: NDArray[np.bool_] | None = None, **attributes: object
) -> Path:
    """fastMRI's layout with a mask, and the root sum of squares of `kspace` as the reference."""
    with h5py.File(path, "w") as file:
        file["kspace"] = kspace if mask is None else kspace * (mask[:, None] if mask.ndim == 1 else mask)
        if mask is not None:
            file["mask"] = mask
        file["reconstruction_rss"] = rss(to_image(kspace if kspace.ndim == 4 else kspace[:, None]))
        file.attrs.update(attributes)
    return path


def undersampled(path: Path, slices: int = 1) -> Path:
    """A file as it comes from a fourfold accelerated scan."""
    return write_fastmri(path, full(slices), lines())


HEADER = """<?xml version="1.0"?><ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">
<subjectInformation><patientName>Doe^Jane</patientName><patientID>P-17</patientID>
<patientBirthdate>1970-02-03</patientBirthdate><patientGender>F</patientGender></subjectInformation>
<studyInformation><studyDate>2026-01-02</studyDate><studyTime>10:11:12</studyTime>
<studyInstanceUID>1.2.3.4</studyInstanceUID></studyInformation>
<acquisitionSystemInformation><systemFieldStrength_T>3</systemFieldStrength_T></acquisitionSystemInformation>
<experimentalConditions><H1resonanceFrequency_Hz>123200000</H1resonanceFrequency_Hz></experimentalConditions>
<encoding><encodedSpace><matrixSize><x>{x}</x><y>{y}</y><z>{z}</z></matrixSize>
<fieldOfView_mm><x>{view_x}</x><y>{view_y}</y><z>{view_z}</z></fieldOfView_mm></encodedSpace>
<reconSpace><matrixSize><x>{shown}</x><y>{y}</y><z>{z}</z></matrixSize>
<fieldOfView_mm><x>{shown_x}</x><y>{view_y}</y><z>{view_z}</z></fieldOfView_mm></reconSpace>
<encodingLimits><kspace_encoding_step_1><minimum>0</minimum><maximum>{last}</maximum><center>{centre}</center>
</kspace_encoding_step_1></encodingLimits><trajectory>{trajectory}</trajectory></encoding>
<sequenceParameters><TR>2300</TR><TE>3</TE><TI>900</TI><flipAngle_deg>9</flipAngle_deg>
<sequence_type>Flash</sequence_type></sequenceParameters></ismrmrdHeader>"""


@dataclass(frozen=True)
class Scan:
    """What an ISMRMRD file is made of; k-space is (slices, coil, ky, kx), for 3D (1, coil, kz, ky, kx)."""

    kspace: NDArray[np.complex64]
    mask: NDArray[np.bool_] | None = None  # (ky,)
    oversampling: int = 1
    reverse: bool = False
    noise: NDArray[np.complex64] | None = None  # (coil, n)
    trajectory: str = "cartesian"
    positions: Sequence[float] | None = None  # along the slice direction, mm
    counters: Sequence[Mapping[str, int]] = field(default=({},))  # the scan is written once for each


def write_ismrmrd(path: Path, scan: Scan) -> Path:
    """The scan as acquisitions: 2 mm pixels, 5 mm slices, axial but for a turn of the phase direction."""
    volume = scan.kspace if scan.kspace.ndim == 5 else scan.kspace[:, :, None]
    slices, _, z, y, x = volume.shape
    text = HEADER.format(
        x=x, y=y, z=z, view_x=2.0 * x / scan.oversampling * scan.oversampling, view_y=2.0 * y, view_z=5.0 * z,
        shown=x // scan.oversampling, shown_x=2.0 * x / scan.oversampling, last=y - 1, centre=y // 2,
        trajectory=scan.trajectory,
    )  # fmt: skip
    with ismrmrd.Dataset(str(path), "dataset", create_if_needed=True) as file:
        file.write_xml_header(text.encode())
        if scan.noise is not None:
            acquisition = ismrmrd.Acquisition.from_array(scan.noise)
            acquisition.set_flag(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)
            file.append_acquisition(acquisition)
        for counters in scan.counters:
            for number in range(slices):
                for partition in range(z):
                    for row in range(y):
                        if scan.mask is None or scan.mask[row]:
                            file.append_acquisition(_line(scan, volume, number, partition, row, counters))
    return path


def _line(
    scan: Scan, volume: NDArray[np.complex64], number: int, partition: int, row: int, counters: Mapping[str, int]
) -> ismrmrd.Acquisition:
    samples = np.ascontiguousarray(volume[number, :, partition, row])
    is_reversed = scan.reverse and row % 2 == 1
    if is_reversed:
        samples = np.ascontiguousarray(samples[:, ::-1])
    line = ismrmrd.Acquisition.from_array(samples)
    line.center_sample = samples.shape[1] // 2 - (1 if is_reversed else 0)
    if is_reversed:
        line.set_flag(ismrmrd.ACQ_IS_REVERSE)
    line.idx.kspace_encode_step_1, line.idx.kspace_encode_step_2, line.idx.slice = row, partition, number
    for name, value in counters.items():
        setattr(line.idx, name, value)
    place = scan.positions[number] if scan.positions is not None else 5.0 * number
    line.position[:] = [10.0, 20.0, place]
    line.read_dir[:], line.phase_dir[:], line.slice_dir[:] = [1, 0, 0], [0, 1, 0], [0, 0, 1]
    return line
