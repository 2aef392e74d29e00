"""Images for the viewer: decoded in the child, kept, capped, audited."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import h5py
import nibabel
import numpy as np
from PIL import Image
from sqlalchemy import select

from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import AuditRow, Instance
from services.work.render import Pictures
from tests.conftest import MakesDicom
from tests.services.api.conftest import Web


def send(web: Web, path: Path) -> str:
    """Send a file and return its image's id."""
    client = web.client(Role.TECHNICIAN)
    answer = client.post("/api/v1/studies", files={"files": (path.name, path.read_bytes())})
    assert answer.status_code == 202, answer.text
    with unit_of_work(web.store.database, writing=False) as session:
        return session.scalars(select(Instance.id)).one()


def test_an_image_is_rendered_once_and_kept(web: Web, synthetic_dicom: MakesDicom) -> None:
    instance_id, client = send(web, synthetic_dicom(Rows=64, Columns=96)), web.client(Role.CLINICIAN)
    path = f"/api/v1/instances/{instance_id}/rendered"
    answer = client.get(path, params={"width": 48})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(BytesIO(answer.content)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (48, 32))
    (kept,) = (web.settings.data_dir / "cache" / "rendered").iterdir()
    assert kept.read_bytes() == answer.content
    kept.write_bytes(b"from the cache")
    assert client.get(path, params={"width": 48}).content == b"from the cache"
    assert client.get(path, params={"width": 48}, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    with unit_of_work(web.store.database, writing=False) as session:
        assert session.scalars(select(AuditRow).where(AuditRow.action == "image.opened")).one().study_id is not None


def test_a_file_without_pixels_says_so(web: Web, synthetic_dicom: MakesDicom) -> None:
    instance_id = send(web, synthetic_dicom(PixelData=None))
    answer = web.client(Role.CLINICIAN).get(f"/api/v1/instances/{instance_id}/rendered")
    assert (answer.status_code, answer.json()["code"]) == (422, "no_pixel_data")


def test_a_width_outside_its_range_is_refused(web: Web) -> None:
    client, path = web.client(Role.CLINICIAN), "/api/v1/instances/01JD8Q3Z5V7Y9XK2M4N6P8R0ST/rendered"
    answers = [client.get(path, params={"width": width}) for width in ("0", "-5", "100000", "wide")]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "invalid_request")}


class Painter:
    """A decoder whose pictures have a known size."""

    def rendered(self, path: Path, width: int | None = None) -> bytes:
        """`width` bytes."""
        return bytes(width or 0)


def test_kept_pictures_stay_below_their_cap(web: Web, synthetic_dicom: MakesDicom, tmp_path: Path) -> None:
    send(web, synthetic_dicom())
    with unit_of_work(web.store.database, writing=False) as session:
        sha256 = session.scalars(select(Instance.blob_sha256)).one()
    pictures = Pictures(Painter(), tmp_path / "kept", most_bytes=1000)
    for width in range(300, 320):
        pictures.picture(web.store.blobs, sha256, width)
    kept = {path.name for path in (tmp_path / "kept").iterdir()}
    assert f"{sha256}-319.jpg" in kept
    assert sum(path.stat().st_size for path in (tmp_path / "kept").iterdir()) <= 1000


def nifti(path: Path) -> Path:
    """A NIfTI file whose patient's right (the larger index on x) is bright, at one end of the first axis."""
    values = np.zeros((24, 20, 16), np.int16)
    values[18:] = 900
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    return path


def test_a_volume_is_rendered_as_its_middle_slice_with_the_right_side_on_the_left(web: Web, tmp_path: Path) -> None:
    instance_id = send(web, nifti(tmp_path / "a.nii.gz"))
    answer = web.client(Role.CLINICIAN).get(f"/api/v1/instances/{instance_id}/rendered")
    with Image.open(BytesIO(answer.content)) as picture:
        shown = np.asarray(picture)
    assert shown.shape == (20, 24)
    assert shown[:, :5].min() > 200 and shown[:, 7:].max() < 50


def test_raw_data_is_rendered_as_its_samples(web: Web, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file["kspace"] = np.ones((2, 3, 32, 24), np.complex64)
    answer = web.client(Role.CLINICIAN).get(f"/api/v1/instances/{send(web, tmp_path / 'raw.h5')}/rendered")
    with Image.open(BytesIO(answer.content)) as picture:
        assert (answer.status_code, picture.size) == (200, (24, 32))
