"""A volume becomes findings that a clinician signs; raw data becomes a series that others read, on the whole system."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import httpx
import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.imaging.fourier import equispaced_mask, to_kspace
from tests.e2e.conftest import ENDED, POLL_SECONDS, Running

Document = dict[str, Any]  # Any: JSON of the contract
PATIENCE_SECONDS = 900.0  # a machine that trains beside it
#: Around the left hippocampus of the template, in its own RAS millimetres: smallest and largest x, y, z.
BOX = ((-46, -50, -36), (-6, 4, 8))
SLICES, COILS = 8, 4


def template() -> Any:  # Any: nibabel has no types
    """The average brain of 152 heads that nilearn ships, 1 mm."""
    spec = find_spec("nilearn")
    assert spec is not None and spec.origin is not None
    name = "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
    return nibabel.as_closest_canonical(nibabel.load(Path(spec.origin).parent / "datasets" / "data" / name))


@pytest.fixture(scope="module")
def hippocampus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cropped volume around one hippocampus, as NIfTI."""
    image = template()
    low, high = (np.round(np.linalg.inv(image.affine) @ [*corner, 1])[:3].astype(int) for corner in BOX)
    path = tmp_path_factory.mktemp("volumes") / "crop.nii.gz"
    nibabel.save(image.slicer[low[0] : high[0], low[1] : high[1], low[2] : high[2]], path)
    return path


@pytest.fixture(scope="module")
def raw_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four-fold undersampled k-space of a few slices of the brain, in fastMRI's layout."""
    values = np.asarray(template().get_fdata(dtype=np.float32))[::2, ::2, 60 : 60 + 2 * SLICES : 2]
    images = values.transpose(2, 1, 0)[:, None] / values.max() * np.exp(1j * np.arange(COILS))[:, None, None]
    kspace = to_kspace(images.astype(np.complex64) + noise(images.shape))
    mask = equispaced_mask(kspace.shape[2], 4, 0.08, 0)
    path = tmp_path_factory.mktemp("raw") / "raw.h5"
    with h5py.File(path, "w") as file:
        file["kspace"] = kspace * mask[:, None]
        file["mask"] = mask
    return path


def noise(shape: tuple[int, ...]) -> NDArray[np.complex64]:
    """A little of it, always the same."""
    real, imaginary = np.random.default_rng(0).normal(scale=0.005, size=(2, *shape)).astype(np.float32)
    return np.asarray(real + 1j * imaginary, np.complex64)


def send(system: Running, path: Path, **fields: str) -> str:
    """Send a file and return its study's id."""
    answer = system.client.post("/studies", data=fields, files={"files": (path.name, path.read_bytes())})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["studies"][0]["id"])


def settled(system: Running, study_id: str, pipelines: set[str]) -> Document:
    """The study once each of these pipelines has a job and all jobs have ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        study: Document = system.client.get(f"/studies/{study_id}").json()
        asked = {job["pipeline"] for job in study["jobs"]}
        if pipelines <= asked and all(job["state"] in ENDED for job in study["jobs"]):
            return study
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"not read in {PATIENCE_SECONDS} s: {study['jobs']}")


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_SECONDS + 60)
def test_a_volume_is_measured_corrected_and_signed(system: Running, hippocampus: Path) -> None:
    study = settled(system, send(system, hippocampus, patient_id="P-1"), {"segmentation"})
    (job,) = study["jobs"]
    assert (job["state"], job["error_code"]) == ("succeeded", None)
    (result,) = study["results"]
    values = {finding["label"]: finding["value"] for finding in result["findings"]}
    assert values["hippocampus"] == pytest.approx(values["anterior"] + values["posterior"], abs=1e-3)
    assert 1.0 < values["hippocampus"] < 8.0
    assert {"segmentation.nii.gz", "uncertainty.nii.gz", "preview.png"} <= {one["name"] for one in result["artifacts"]}
    series = study["series"][0]["id"]
    assert system.client.get(f"/series/{series}/volume.nii.gz").status_code == 200
    word = {"action": "sign", "verdict": "edit", "findings": [{"label": "hippocampus", "value": 3.21}]}
    with httpx.Client(base_url=f"{system.url}/api/v1", timeout=30.0) as reader:
        session = reader.post("/session", json={"name": system.user, "password": system.password}).json()
        reader.headers["X-CSRF-Token"] = session["csrf_token"]
        slip = word | {"findings": [{"label": "hippocampus", "value": 325}]}
        assert reader.post(f"/results/{result['id']}/reviews", json=slip).json()["code"] == "bad_finding_value"
        signed = reader.post(f"/results/{result['id']}/reviews", json=word)
    assert signed.status_code == 201 and signed.json()["findings"][0]["unit"] == "ml"
    row = next(one for one in system.client.get("/studies").json()["items"] if one["id"] == study["id"])
    assert (row["pipeline"], row["review_state"], row["headline"]) == ("segmentation", "signed", "hippocampus 3.2 ml")


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_SECONDS + 60)
def test_raw_data_becomes_a_series_that_segmentation_reads_and_reconstruction_does_not(
    system: Running, raw_data: Path
) -> None:
    study = settled(system, send(system, raw_data, patient_id="P-2"), {"reconstruction", "segmentation"})
    jobs = {job["pipeline"]: job for job in study["jobs"]}
    assert len(study["jobs"]) == 2 and jobs["reconstruction"]["state"] == "succeeded"
    sent, made = sorted(study["series"], key=lambda one: one["derived_from"] is not None)
    reconstruction = next(one for one in study["results"] if one["pipeline"] == "reconstruction")
    assert (sent["derived_from"], made["derived_from"]) == (None, reconstruction["id"])
    assert len(made["instances"]) == SLICES and made["state"] == "closed"
    values = {finding["label"]: finding["value"] for finding in reconstruction["findings"]}
    assert values["acceleration"] == pytest.approx(4.0, rel=0.1)
    assert study["patient"]["patient_id"] == "P-2" and study["state"] == "complete"
