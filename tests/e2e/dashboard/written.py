"""Studies written straight into the running system's store: results of any pipeline, without waiting for one."""

from __future__ import annotations

import copy
import gzip
import hashlib
import importlib.util
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import nibabel
import numpy as np
from PIL import Image, ImageDraw
from pydicom.uid import MRImageStorage, generate_uid
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core import codes
from pipelines.imaging.grid import Grid
from pipelines.imaging.nifti import write_nifti
from services.store import outbox, received, worklist
from services.store.blobs import Published
from services.store.clock import utcnow
from services.store.ids import new_id
from services.store.received import InstanceFacts, PatientFacts, SeriesFacts, StudyFacts
from services.store.session import unit_of_work
from services.store.states import JobRole, JobState, Priority, SeriesState, StudyState
from services.store.stores import Store
from services.store.tables import ArtifactRow, CurrentResult, Job, Patient, Result, Series, Slot, Study
from tests.conftest import ophthalmic_dataset

#: Any: the contract's JSON.
Document = Mapping[str, Any]
SLICES = 5
FLAGGED_SLICE = 4
SIDE = 192


@dataclass(frozen=True)
class Written:
    """A study in the store and its results by pipeline."""

    study_id: str
    results: Mapping[str, str]


@cache
def brain() -> np.ndarray:
    """(z, y, x) uint8: a real head, the MNI template that comes with nilearn, front at the top."""
    spec = importlib.util.find_spec("nilearn")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(next(iter(spec.submodule_search_locations))) / "datasets" / "data"
    packed = (folder / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz").read_bytes()
    volume = nibabel.Nifti1Image.from_bytes(gzip.decompress(packed)).dataobj
    voxels = np.asarray(volume, dtype=np.float32).transpose(2, 1, 0)[:, ::-1]
    return np.clip(voxels * (255 / voxels.max()), 0, 255).astype(np.uint8)


def axial(share: float) -> Image.Image:
    """One axial slice, `share` of the way up."""
    voxels = brain()
    return Image.fromarray(voxels[int(share * (len(voxels) - 1))]).resize((SIDE, SIDE))


def montage(count: int) -> bytes:
    """A PNG of `count` slices side by side, each with an outline."""
    sheet = Image.new("RGB", (SIDE * count, SIDE * 2))
    for place in range(count * 2):
        tile = axial(0.3 + 0.3 * place / (count * 2)).convert("RGB")
        ImageDraw.Draw(tile).ellipse((118, 84, 132, 112), outline=(255, 180, 0))
        ImageDraw.Draw(tile).ellipse((60, 84, 74, 112), outline=(0, 200, 255))
        sheet.paste(tile, (SIDE * (place % count), SIDE * (place // count)))
    return png(sheet)


def png(picture: Image.Image) -> bytes:
    """The picture's bytes as PNG."""
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def mr_slice(study_uid: str, series_uid: str, number: int) -> bytes:
    """One slice of a small MR series as a DICOM file."""
    pixels = np.asarray(axial(number / (SLICES + 1)), dtype=np.uint16)
    dataset = ophthalmic_dataset(
        {
            "SOPClassUID": MRImageStorage,
            "Modality": "MR",
            "StudyInstanceUID": study_uid,
            "SeriesInstanceUID": series_uid,
            "InstanceNumber": number,
            "ImageLaterality": None,
            "SamplesPerPixel": 1,
            "PlanarConfiguration": None,
            "PhotometricInterpretation": "MONOCHROME2",
            "Rows": SIDE,
            "Columns": SIDE,
            "BitsAllocated": 16,
            "BitsStored": 12,
            "HighBit": 11,
            "PixelData": pixels.tobytes(),
        }
    )
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


class Writer:
    """Writes one study; what has been written stays together in one transaction."""

    def __init__(self, session: Session, store: Store, patient_id: str) -> None:
        """The study is complete from the start, so that nothing routes it."""
        self._session, self._store = session, store
        if session.scalar(select(Patient.id).filter_by(patient_id=patient_id)) is not None:
            raise ValueError(f"another test has a patient {patient_id}: its rows would be found for this one's")
        self.uid = generate_uid()
        patient = received.upsert_patient(session, store.site_id, PatientFacts("clinic", patient_id, "Doe^Jane"))
        facts = StudyFacts(self.uid, date(2026, 1, 2))
        self._study: Study = received.upsert_study(session, store.site_id, patient.id, facts)
        self._study.state, self._study.completed_at = StudyState.COMPLETE, utcnow()
        self.first_image: dict[str, str] = {}

    @property
    def study_id(self) -> str:
        """The study's id."""
        return self._study.id

    def images(self, *, derived_from: str | None = None, description: str | None = None) -> str:
        """A series of MR slices; its first image's SOP Instance UID."""
        uid = generate_uid()
        series = self._series(SeriesFacts(uid, "MR", description=description, derived_from=derived_from))
        uids = [generate_uid() for _ in range(SLICES)]
        for number, sop_uid in enumerate(uids, start=1):
            blob = self._publish(mr_slice(self.uid, uid, number), "application/dicom")
            facts = InstanceFacts(sop_uid, MRImageStorage, "1.2.840.10008.1.2.1", blob.sha256, instance_number=number)
            received.add_instance(self._session, series.id, facts)
        return uids[0]

    def raw_data(self) -> str:
        """A file of raw MRI data, as far as the list of the study looks at it; its UID."""
        series = self._series(SeriesFacts(generate_uid(), "MR"))
        blob = self._publish(self.uid.encode(), "application/x-hdf5")
        uid = generate_uid()
        received.add_instance(
            self._session, series.id, InstanceFacts(uid, codes.KSPACE_FILE, codes.KSPACE_FILE, blob.sha256)
        )
        return uid

    def result(self, document: Document, image: str, pictures: Mapping[str, bytes]) -> str:
        """A finished job's result that is the answer; files without a picture in `pictures` hold a few bytes."""
        said = copy.deepcopy(dict(document))
        for reading in said["images"]:
            reading["sop_instance_uid"] = image
        slot, job = self._job(said["pipeline"])
        result_id = new_id()
        self._session.add(result_row(result_id, slot, job, said))
        self._session.flush()
        for artifact in said["artifacts"]:
            content = pictures.get(artifact["name"], artifact["name"].encode())
            blob = self._publish(content, artifact["media_type"])
            self._session.add(
                ArtifactRow(
                    result_id=result_id,
                    name=artifact["name"],
                    kind=artifact["kind"],
                    media_type=artifact["media_type"],
                    bytes=len(content),
                    blob_sha256=blob.sha256,
                )
            )
        self._session.add(CurrentResult(slot_id=slot.id, result_id=result_id))
        self._session.flush()
        return result_id

    def tell(self) -> None:
        """Bring the study into the worklist and tell those who watch it."""
        worklist.project(self._session, self.study_id)
        outbox.emit(self._session, "study", self.study_id, {"study": self.study_id, "state": self._study.state})

    def _series(self, facts: SeriesFacts) -> Series:
        series = received.upsert_series(self._session, self._study.id, facts)
        series.state = SeriesState.CLOSED
        return series

    def _publish(self, content: bytes, media_type: str) -> Published:
        with tempfile.TemporaryDirectory() as scratch:
            blob = self._store.blobs.publish_bytes(content, media_type, scratch=Path(scratch))
        self._store.blobs.record(self._session, blob)
        self._session.flush()
        return blob

    def _job(self, pipeline: str) -> tuple[Slot, Job]:
        study_id = self._study.id
        slot = Slot(id=new_id(), study_id=study_id, subject_kind="study", subject_id=study_id, pipeline=pipeline)
        self._session.add(slot)
        self._session.flush()
        return slot, finished_job(self._session, slot)


def finished_job(session: Session, slot: Slot) -> Job:
    """A job of the study's own that has answered the question."""
    job_id = new_id()
    job = Job(
        id=job_id,
        key=hashlib.sha256(job_id.encode()).hexdigest(),
        slot_id=slot.id,
        study_id=slot.study_id,
        pipeline=slot.pipeline,
        pipeline_revision=1,
        role=JobRole.LIVE,
        queue=slot.pipeline,
        priority=int(Priority.ROUTINE),
        parameters={},
        state=JobState.SUCCEEDED,
    )
    session.add(job)
    session.flush()
    return job


def result_row(result_id: str, slot: Slot, job: Job, said: Document) -> Result:
    """The row of what a job found."""
    return Result(
        id=result_id,
        job_id=job.id,
        slot_id=slot.id,
        study_id=job.study_id,
        pipeline=job.pipeline,
        role=JobRole.LIVE,
        model_name=said["model"]["name"],
        model_version=said["model"]["version"],
        model_sha256=said["model"]["sha256"],
        receipt_digest=said["receipt"]["digest"],
        abstained=said["abstained"],
        urgency=said["urgency"],
        document=dict(said),
    )


def volumes_study(
    store: Store, patient_id: str, document: Document, files: Mapping[str, bytes] = MappingProxyType({})
) -> Written:
    """A study with one T1 series and what was measured on it; without `files` (heads.py) its volume cannot be read."""
    with unit_of_work(store.database) as session:
        writer = Writer(session, store, patient_id)
        image = writer.images(description="T1 MPRAGE")
        result = writer.result(document, image, {"preview.png": montage(4), **files})
        writer.tell()
        return Written(writer.study_id, {document["pipeline"]: result})


def raw_data_study(store: Store, patient_id: str, reconstruction: Document, volumes: Document) -> Written:
    """Raw data, the reconstruction that became a series, and what was measured on that."""
    files = {name: panel(name) for name in ("panel-1.png", "panel-2.png")} | dict(compared())
    with unit_of_work(store.database) as session:
        writer = Writer(session, store, patient_id)
        made = with_maps(without_series_files(reconstruction))
        first = writer.result(made, writer.raw_data(), files)
        image = writer.images(derived_from=first, description="Reconstruction, 4x")
        second = writer.result(volumes, image, {"preview.png": montage(4)})
        writer.tell()
        return Written(writer.study_id, {reconstruction["pipeline"]: first, volumes["pipeline"]: second})


@cache
def compared() -> Mapping[str, bytes]:
    """The volumes of a reconstruction as NIfTI, SLICES slices; in FLAGGED_SLICE one area is marked."""
    image = np.stack([np.asarray(axial(number / (SLICES + 1)), np.float32) for number in range(1, SLICES + 1)])
    zero_filled = np.asarray(np.stack([np.roll(image, shift, axis=2) for shift in (-4, 0, 4)]).mean(axis=0), np.float32)
    flagged = np.zeros(image.shape, np.uint8)
    flagged[FLAGGED_SLICE - 1, 60:80, 90:112] = 1
    volumes = {
        "zero_filled.nii.gz": zero_filled,
        "reconstruction.nii.gz": image,
        "uncertainty.nii.gz": image * np.float32(0.1),
        "residual.nii.gz": np.abs(image - zero_filled),
        "unsupported.nii.gz": flagged,
    }
    grid = Grid((SIDE, SIDE, SLICES), np.diag([1.0, 1.0, 5.0, 1.0]))
    return {name: write_nifti(values.transpose(2, 1, 0), grid) for name, values in volumes.items()}


def with_maps(document: Document) -> Document:
    """The document with the files that the example leaves out."""
    media_type = "application/x-nifti"
    maps = {"residual.nii.gz": "uncertainty", "unsupported.nii.gz": "segmentation"}
    more = [{"name": name, "kind": kind, "media_type": media_type} for name, kind in maps.items()]
    return {**document, "artifacts": [*document["artifacts"], *more]}


def panel(name: str) -> bytes:
    """Four pictures side by side, the second with a marked area; the name decides the slice."""
    picture = axial(0.4 if "1" in name else 0.55).convert("RGB")
    sheet = Image.new("RGB", (SIDE * 4, SIDE))
    for place in range(4):
        sheet.paste(picture if place < 2 else picture.point(lambda value: value // 4), (SIDE * place, 0))
    ImageDraw.Draw(sheet).rectangle((SIDE + 90, 60, SIDE + 112, 80), outline=(255, 80, 80))
    return png(sheet)


def without_series_files(document: Document) -> Document:
    """The document without the DICOM files of its series: these here are written as the series itself."""
    files: Sequence[Document] = document["artifacts"]
    return {**document, "artifacts": [each for each in files if each["kind"] != "derived_series"]}
