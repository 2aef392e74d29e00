"""Raw MRI data through the decoding child: both layouts, what is handled and noted, what is refused and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from pipelines.core.errors import BadInput
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.fourier import rss, to_image, to_kspace
from pipelines.imaging.kspace import Geometry, Survey
from tests.pipelines.kspace_samples import COILS, SIDE, Scan, coils, full, head, lines, write_fastmri, write_ismrmrd


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as shared:
        yield shared


def notes(survey: Survey) -> set[str]:
    return {note.code for note in survey.notes}


def test_acquisitions_come_to_their_places_on_the_grid(decoder: Decoder, tmp_path: Path) -> None:
    kspace = full(2)
    path = write_ismrmrd(tmp_path / "raw.h5", Scan(kspace))
    assert_array_equal(decoder.kspace_planes(path, range(COILS), 0, 2), kspace)
    assert decoder.kspace_survey(path).acceleration == 1


def test_the_header_tells_identity_protocol_and_sizes(decoder: Decoder, tmp_path: Path) -> None:
    header = decoder.kspace_header(write_ismrmrd(tmp_path / "raw.h5", Scan(full())))
    assert (header.slices, header.coils, header.rows, header.columns) == (1, COILS, SIDE, SIDE)
    assert (header.identity.patient_id, header.identity.birth_date) == ("P-17", "19700203")
    assert (header.identity.study_date, header.identity.study_time) == ("20260102", "101112")
    assert (header.protocol.repetition_ms, header.protocol.inversion_ms) == (2300, 900)


def test_the_mask_is_read_from_the_samples(decoder: Decoder, tmp_path: Path) -> None:
    survey = decoder.kspace_survey(write_ismrmrd(tmp_path / "raw.h5", Scan(full(2), lines())))
    assert_array_equal(survey.masks, np.broadcast_to(lines(), (2, SIDE)))
    assert survey.acceleration == pytest.approx(1 / lines().mean())


def test_lines_of_reversed_readout_are_turned_round(decoder: Decoder, tmp_path: Path) -> None:
    path = write_ismrmrd(tmp_path / "raw.h5", Scan(full(), reverse=True))
    assert_array_equal(decoder.kspace_planes(path, range(COILS), 0, 1), full())
    assert "reversed_readout" in notes(decoder.kspace_survey(path))


def test_slices_come_in_the_order_of_their_positions(decoder: Decoder, tmp_path: Path) -> None:
    path = write_ismrmrd(tmp_path / "raw.h5", Scan(full(2), positions=(5.0, 0.0)))
    assert_array_equal(decoder.kspace_planes(path, range(COILS), 0, 2), full(2)[::-1])
    assert decoder.kspace_survey(path).affine[2, 3] == 0


def test_averages_are_averaged(decoder: Decoder, tmp_path: Path) -> None:
    path = write_ismrmrd(tmp_path / "raw.h5", Scan(full(), counters=({"average": 0}, {"average": 1})))
    assert_allclose(decoder.kspace_planes(path, range(COILS), 0, 1), full(), atol=1e-6)
    assert "averages" in notes(decoder.kspace_survey(path))


def test_readout_oversampling_is_removed_and_the_image_stays(decoder: Decoder, tmp_path: Path) -> None:
    wide = np.zeros((1, COILS, SIDE, 2 * SIDE), np.complex64)
    wide[..., SIDE // 2 : 3 * SIDE // 2] = to_image(full())
    path = write_ismrmrd(tmp_path / "raw.h5", Scan(to_kspace(wide), oversampling=2))
    assert_allclose(decoder.kspace_planes(path, range(COILS), 0, 1), full(), atol=1e-5)


def test_three_dimensional_data_become_the_volume_they_came_from(decoder: Decoder, tmp_path: Path) -> None:
    volume = (head(8)[None] * coils(4)[:, None]).astype(np.complex64)
    axes = (1, 2, 3)
    kspace = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(volume, axes=axes), axes=axes, norm="ortho"), axes=axes)
    path = write_ismrmrd(tmp_path / "raw.h5", Scan(kspace[None].astype(np.complex64)))
    survey = decoder.kspace_survey(path)
    images = rss(to_image(decoder.kspace_planes(path, survey.coils, 0, survey.planes)))
    assert_allclose(images.transpose(survey.axes), rss(volume.swapaxes(0, 1)), atol=1e-5)


def test_positions_and_directions_become_an_affine_in_ras(decoder: Decoder, tmp_path: Path) -> None:
    survey = decoder.kspace_survey(write_ismrmrd(tmp_path / "raw.h5", Scan(full(2))))
    assert survey.geometry is Geometry.KNOWN
    middle = survey.affine @ [SIDE // 2, SIDE // 2, 0, 1]
    assert_allclose(middle[:3], [-10, -20, 0])  # the samples' position, LPS, as RAS
    assert_allclose(survey.affine[:3, :3], np.diag([-2, -2, 5]))


def test_noise_measurements_make_the_coils_noise_white(decoder: Decoder, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    levels = np.array([1, 2, 3, 1, 1, 1])[:, None] * 0.01
    noise = (random.standard_normal((COILS, 5000)) + 1j * random.standard_normal((COILS, 5000))) * levels
    survey = decoder.kspace_survey(write_ismrmrd(tmp_path / "raw.h5", Scan(full(), noise=noise.astype(np.complex64))))
    assert survey.whitening is not None
    white = survey.whitening @ noise
    assert_allclose(np.cov(white.real), np.eye(COILS) * survey.noise**2, atol=0.1 * survey.noise**2)


def test_a_missing_side_is_partial_fourier_and_missing_edges_are_low_resolution(
    decoder: Decoder, tmp_path: Path
) -> None:
    rows = np.arange(SIDE)
    partial = decoder.kspace_survey(write_ismrmrd(tmp_path / "partial.h5", Scan(full(), rows >= 20)))
    assert partial.covered == (20, SIDE)
    assert "partial_fourier" in notes(partial)
    low = decoder.kspace_survey(write_ismrmrd(tmp_path / "low.h5", Scan(full(), (rows >= 10) & (rows < SIDE - 10))))
    assert low.covered == (10, SIDE - 10)
    assert "reduced_resolution" in notes(low)


def test_dead_coils_are_left_out(decoder: Decoder, tmp_path: Path) -> None:
    kspace = full()
    kspace[:, 2] = 0
    kspace[:, 4] = np.random.default_rng(0).standard_normal((SIDE, SIDE)) * 0.01
    survey = decoder.kspace_survey(write_fastmri(tmp_path / "raw.h5", kspace, lines()))
    assert survey.coils == (0, 1, 3, 5)
    assert "dead_coils" in notes(survey)


def test_a_single_coil_file_has_three_axes(decoder: Decoder, tmp_path: Path) -> None:
    path = write_fastmri(tmp_path / "raw.h5", full(2, 1)[:, 0], lines())
    assert decoder.kspace_planes(path, [0], 0, 2).shape == (2, 1, SIDE, SIDE)


def test_phase_encoding_along_the_last_axis_is_found_as_in_fastmris_own_files(decoder: Decoder, tmp_path: Path) -> None:
    kspace = full()
    path = write_fastmri(tmp_path / "raw.h5", kspace * lines())
    survey = decoder.kspace_survey(path)
    assert_array_equal(survey.masks[0], lines())
    assert survey.axes == (0, 2, 1)
    assert_array_equal(decoder.kspace_planes(path, survey.coils, 0, 1), np.swapaxes(kspace * lines(), -1, -2))


def test_a_file_without_header_has_a_nominal_place(decoder: Decoder, tmp_path: Path) -> None:
    survey = decoder.kspace_survey(write_fastmri(tmp_path / "raw.h5", full()))
    assert survey.geometry is Geometry.NOMINAL
    assert "geometry_nominal" in notes(survey)


def test_the_reference_comes_as_it_lies_in_the_file(decoder: Decoder, tmp_path: Path) -> None:
    path = write_fastmri(tmp_path / "raw.h5", full(), lines())
    assert_array_equal(decoder.kspace_reference(path), rss(to_image(full())))


def shifted_mask(path: Path) -> Path:
    write_fastmri(path, full() * lines()[:, None])
    with h5py.File(path, "a") as file:
        file["mask"] = np.roll(lines(), 1)
    return path


def not_a_number(path: Path) -> Path:
    kspace = full()
    kspace[0, 1, 3, 3] = np.nan
    return write_fastmri(path, kspace)


def truncated(path: Path) -> Path:
    write_fastmri(path, full())
    path.write_bytes(path.read_bytes()[:9000])
    return path


def damaged(path: Path) -> Path:
    """A whole file whose table of names does not read."""
    write_fastmri(path, full())
    path.write_bytes(path.read_bytes().replace(b"SNOD", b"XXXX"))
    return path


def linked_elsewhere(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file["kspace"] = h5py.ExternalLink("/etc/hostname", "kspace")
    return path


def virtual(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((1, 1, SIDE, SIDE), np.complex64)
        layout[0, 0] = h5py.VirtualSource("other.h5", "kspace", (SIDE, SIDE))
        file.create_virtual_dataset("kspace", layout)
    return path


def stored_elsewhere(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("kspace", (1, 1, SIDE, SIDE), np.complex64, external=[("other.raw", 0, 1 << 20)])
    return path


def absurd(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("kspace", (9000, 100, 4000, 4000), np.complex64, chunks=(1, 1, 64, 64))
    return path


def no_raw_data(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file["image"] = np.zeros(3)
    return path


def entities(path: Path) -> Path:
    write_ismrmrd(path, Scan(full()))
    with h5py.File(path, "a") as file:
        file["dataset/xml"][0] = '<!DOCTYPE x [<!ENTITY a "b">]><ismrmrdHeader>&a;</ismrmrdHeader>'
    return path


REFUSED = {
    "hdf5_refused": [virtual, stored_elsewhere, absurd],
    "not_kspace": [linked_elsewhere, no_raw_data],
    "truncated_hdf5": [truncated],
    "damaged_hdf5": [damaged],
    "kspace_header": [entities],
    "kspace_not_finite": [not_a_number],
    "kspace_mask_disagrees": [shifted_mask],
    "kspace_empty": [lambda path: write_fastmri(path, full() * 0)],
    "kspace_scale": [
        lambda path: write_fastmri(path, full() * np.complex64(1e16)),
        lambda path: write_fastmri(path, full() * np.complex64(1e-16)),
    ],
    "kspace_not_centred": [
        lambda path: write_fastmri(path, np.fft.ifftshift(full(), axes=(-2, -1))),
        lambda path: write_fastmri(path, to_image(full())),
    ],
    "kspace_wrong_axes": [
        lambda path: write_fastmri(path, full() * lines(), layout="(slices, coils, ky, kx)"),
        lambda path: write_fastmri(path, np.ascontiguousarray(np.moveaxis(full(), 1, -1))),
    ],
    "kspace_not_cartesian": [lambda path: write_ismrmrd(path, Scan(full(), trajectory="spiral"))],
    "kspace_several_images": [
        lambda path: write_ismrmrd(path, Scan(full(), counters=({"contrast": 0}, {"contrast": 1})))
    ],
    "kspace_partial_fourier": [lambda path: write_ismrmrd(path, Scan(full(), np.arange(SIDE) >= SIDE // 2))],
}


@pytest.mark.parametrize(
    ("code", "number"), [(code, number) for code, made in REFUSED.items() for number in range(len(made))]
)
def test_what_cannot_be_used_is_refused_with_its_code(code: str, number: int, decoder: Decoder, tmp_path: Path) -> None:
    path = REFUSED[code][number](tmp_path / "raw.h5")
    with pytest.raises(BadInput) as refused:
        decoder.kspace_survey(path)
    assert refused.value.code == code
    assert "raw.h5" not in refused.value.sentence
