"""Series as volumes: what passes the geometry gate comes as NIfTI in the patient's own axes, the rest says why not."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest
from sqlalchemy import select

from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import AuditRow, Series
from tests.services.api.conftest import Web
from tests.services.intake.conftest import dicom

SLICES = 10
NO_SERIES = "01JD8Q3Z5V7Y9XK2M4N6P8R0ST"


def mr_slice(number: int, **attributes: object) -> bytes:
    """One axial slice of 3 mm; its values are its number, and larger at the patient's left."""
    pixels = np.full((16, 16), number * 10, np.uint16)
    pixels[:, 12:] += 5
    placed = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4",
        "Modality": "MR",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "SOPInstanceUID": f"1.2.3.4.{number}",
        "InstanceNumber": SLICES - number,  # against the order of the positions: the place counts
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [0, 0, 3.0 * number],
        "PixelSpacing": [1.0, 1.0],
        "SliceThickness": 3.0,
        "Rows": 16,
        "Columns": 16,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "PlanarConfiguration": None,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "PixelData": pixels.tobytes(),
    }
    return dicom(**(placed | attributes))


def send(web: Web, *contents: bytes) -> str:
    """Send files of one series and return its id."""
    files = [("files", (f"{number}", content)) for number, content in enumerate(contents)]
    answer = web.client(Role.TECHNICIAN).post("/api/v1/studies", files=files)
    assert answer.status_code == 202, answer.text
    with unit_of_work(web.store.database, writing=False) as session:
        return session.scalars(select(Series.id)).one()


def test_a_series_comes_as_a_volume_in_the_patients_axes_and_is_kept(web: Web, tmp_path: Path) -> None:
    series_id = send(web, *(mr_slice(number) for number in range(SLICES)))
    client, path = web.client(Role.CLINICIAN), f"/api/v1/series/{series_id}/volume.nii.gz"
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/gzip")
    (tmp_path / "volume.nii.gz").write_bytes(answer.content)
    volume = nibabel.as_closest_canonical(nibabel.load(tmp_path / "volume.nii.gz"))
    values = np.asarray(volume.dataobj)
    assert (values.shape, volume.header.get_zooms()) == ((16, 16, SLICES), (1.0, 1.0, 3.0))
    assert values.dtype == np.int16
    np.testing.assert_array_equal(values[15, 0], np.arange(SLICES) * 10)  # the patient's right
    np.testing.assert_array_equal(values[0, 0], np.arange(SLICES) * 10 + 5)  # and left
    (kept,) = (web.settings.data_dir / "cache" / "volumes").iterdir()
    assert kept.read_bytes() == answer.content
    assert client.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    with unit_of_work(web.store.database, writing=False) as session:
        assert session.scalars(select(AuditRow).where(AuditRow.action == "series.opened")).one().study_id is not None


def test_a_nifti_file_comes_back_as_it_was_measured(web: Web, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(9, 10, 11)).astype(np.float32)
    content = bytes(nibabel.Nifti1Image(values, np.diag([1, 2, 3, 1])).to_bytes())
    answer = web.client(Role.CLINICIAN).get(f"/api/v1/series/{send(web, content)}/volume.nii.gz")
    back = nibabel.Nifti1Image.from_bytes(gzip.decompress(answer.content))
    np.testing.assert_array_equal(np.asarray(back.dataobj), values)
    np.testing.assert_array_equal(back.affine, np.diag([1, 2, 3, 1]))


@pytest.mark.parametrize(
    ("slices", "code"),
    [
        ([mr_slice(1)], "geometry_too_few_slices"),
        ([mr_slice(number) for number in (*range(8), 20)], "geometry_gap"),
    ],
)
def test_a_series_that_is_no_volume_says_why(web: Web, slices: list[bytes], code: str) -> None:
    answer = web.client(Role.CLINICIAN).get(f"/api/v1/series/{send(web, *slices)}/volume.nii.gz")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not (web.settings.data_dir / "cache" / "volumes").exists()


def test_raw_data_is_no_volume(web: Web, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file["kspace"] = np.ones((2, 3, 32, 24), np.complex64)
    series_id = send(web, (tmp_path / "raw.h5").read_bytes())
    answer = web.client(Role.CLINICIAN).get(f"/api/v1/series/{series_id}/volume.nii.gz")
    assert (answer.status_code, answer.json()["code"]) == (422, "raw_data")


def test_a_series_that_is_not_there_is_not_found(web: Web) -> None:
    assert web.client(Role.CLINICIAN).get(f"/api/v1/series/{NO_SERIES}/volume.nii.gz").status_code == 404
