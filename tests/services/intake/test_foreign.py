"""NIfTI volumes and raw MRI data: kept as they came, one instance each, under identities that follow from the bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import zipfile
from collections.abc import Callable

import h5py
import ismrmrd.xsd
import nibabel
import numpy as np
import pytest

from pipelines.core.codes import KSPACE_FILE, NIFTI_FILE
from services.store.session import unit_of_work
from services.store.states import SeriesState, StudyState
from services.store.tables import Blob, Patient, Series
from tests.services.intake.conftest import Sender, codes, dicom, statuses

SEED = 7


def nifti(seed: int = SEED, *, compressed: bool = True) -> bytes:
    """A small volume."""
    values = np.random.default_rng(seed).normal(size=(8, 7, 6)).astype(np.float32)
    content = bytes(nibabel.Nifti1Image(values, np.eye(4)).to_bytes())
    return gzip.compress(content, mtime=0) if compressed else content


def raw_data(header: bytes | None = None, seed: int = SEED) -> bytes:
    """k-space of four coils in the fastMRI layout, with an ISMRMRD header where one is given."""
    noise = np.random.default_rng(seed)
    values = noise.normal(size=(2, 4, 16, 16)) + 1j * noise.normal(size=(2, 4, 16, 16))
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["kspace"] = values.astype(np.complex64)
        if header is not None:
            file["ismrmrd_header"] = header
    return buffer.getvalue()


def header_of(patient_id: str, name: str, study_uid: str) -> bytes:
    """An ISMRMRD header that names a patient."""
    space = ismrmrd.xsd.encodingSpaceType(
        matrixSize=ismrmrd.xsd.matrixSizeType(x=16, y=16, z=1),
        fieldOfView_mm=ismrmrd.xsd.fieldOfViewMm(x=160.0, y=160.0, z=5.0),
    )
    encoding = ismrmrd.xsd.encodingType(
        encodedSpace=space,
        reconSpace=space,
        encodingLimits=ismrmrd.xsd.encodingLimitsType(),
        trajectory=ismrmrd.xsd.trajectoryType.CARTESIAN,
    )
    header = ismrmrd.xsd.ismrmrdHeader(
        subjectInformation=ismrmrd.xsd.subjectInformationType(
            patientName=name, patientID=patient_id, patientBirthdate="1970-01-31"
        ),
        studyInformation=ismrmrd.xsd.studyInformationType(studyInstanceUID=study_uid, studyDate="2026-01-02"),
        experimentalConditions=ismrmrd.xsd.experimentalConditionsType(H1resonanceFrequency_Hz=123_000_000),
        encoding=[encoding],
    )
    return ismrmrd.xsd.ToXML(header).encode()


def absurd(content: bytes) -> bytes:
    """A NIfTI file of 32,767 dimensions: nifti1.h has dim[0] at byte 40."""
    return content[:40] + b"\xff\x7f" + content[42:]


@pytest.mark.parametrize("compressed", [True, False])
def test_a_volume_is_kept_as_it_came_and_closes_with_its_request(sender: Sender, compressed: bool) -> None:
    content = nifti(compressed=compressed)
    answer = sender.send(("brain.nii.gz", content), fields={"patient_id": "P-7"})
    assert (answer.status_code, statuses(answer)) == (202, ["stored"])
    (instance,) = sender.instances()
    (study,) = sender.studies()
    assert (instance.sop_class_uid, instance.transfer_syntax) == (NIFTI_FILE, NIFTI_FILE)
    assert (instance.columns, instance.rows, instance.frames) == (8, 7, 6)
    assert instance.blob_sha256 == hashlib.sha256(content).hexdigest()
    with unit_of_work(sender.store.database, writing=False) as session:
        blob, patient = session.get_one(Blob, instance.blob_sha256), session.get_one(Patient, study.patient_id)
        series = session.get_one(Series, instance.series_id)
        assert (blob.media_type, blob.bytes) == ("application/x-nifti", len(content))
        assert (patient.issuer, patient.patient_id) == ("local", "P-7")
        assert (series.modality, series.state, study.state) == ("MR", SeriesState.CLOSED, StudyState.COMPLETE)


def test_a_volume_sent_twice_is_a_duplicate_and_of_another_patient_another_instance(sender: Sender) -> None:
    first = sender.send(("a.nii.gz", nifti()), fields={"patient_id": "P-1"})
    assert statuses(sender.send(("b.nii.gz", nifti()), fields={"patient_id": "P-1"})) == ["duplicate"]
    other = sender.send(("a.nii.gz", nifti()), fields={"patient_id": "P-2"})
    assert statuses(other) == ["stored"]
    uids = {answer.json()["studies"][0]["study_instance_uid"] for answer in (first, other)}
    assert len(uids) == len(sender.studies()) == 2


def test_a_volume_joins_the_study_that_its_sender_names(sender: Sender) -> None:
    sender.send(("slice.dcm", dicom(StudyInstanceUID="1.2.3", PatientID="P-1")))
    fields: dict[str, str | list[str]] = {"study_uid": "1.2.3", "patient_id": "P-1"}
    answer = sender.send(("a.nii.gz", nifti()), fields=fields)
    assert (statuses(answer), [study.study_instance_uid for study in sender.studies()]) == (["stored"], ["1.2.3"])


def test_raw_data_without_a_header_is_one_unidentified_patient(sender: Sender) -> None:
    answer = sender.send(("raw.h5", raw_data()))
    assert (answer.status_code, statuses(answer)) == (202, ["stored"])
    (instance,) = sender.instances()
    assert (instance.sop_class_uid, instance.frames) == (KSPACE_FILE, 2)
    with unit_of_work(sender.store.database, writing=False) as session:
        assert session.get_one(Patient, sender.studies()[0].patient_id).issuer == "unidentified"
        assert session.get_one(Blob, instance.blob_sha256).media_type == "application/x-hdf5"


def test_raw_data_brings_the_patient_and_the_study_of_its_header(
    sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = sender.send(("secret-name.h5", raw_data(header_of("P-9", "Doe^Jane", "1.2.840.9"))))
    assert statuses(answer) == ["stored"]
    (study,) = sender.studies()
    with unit_of_work(sender.store.database, writing=False) as session:
        patient = session.get_one(Patient, study.patient_id)
    assert (study.study_instance_uid, str(study.study_date)) == ("1.2.840.9", "2026-01-02")
    assert (patient.patient_id, patient.name, str(patient.birth_date)) == ("P-9", "Doe^Jane", "1970-01-31")
    assert not [word for word in ("Doe", "P-9", "1.2.840.9", "secret-name") if word in caplog.text]


def test_the_senders_word_on_the_patient_counts_and_leaves_the_files_name_out(sender: Sender) -> None:
    sender.send(("raw.h5", raw_data(header_of("P-9", "Doe^Jane", "1.2.840.9"))), fields={"patient_id": "P-1"})
    with unit_of_work(sender.store.database, writing=False) as session:
        patient = session.get_one(Patient, sender.studies()[0].patient_id)
    assert (patient.patient_id, patient.name, patient.birth_date) == ("P-1", None, None)


def test_an_archive_may_hold_volumes(sender: Sender) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.nii.gz", nifti(1))
        archive.writestr("b.nii", nifti(2, compressed=False))
    assert statuses(sender.send(("volumes.zip", buffer.getvalue()))) == ["stored", "stored"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (lambda: nifti(compressed=False)[:300] + bytes(212), "not_dicom"),
        (lambda: absurd(nifti(compressed=False)), "broken_nifti"),
        (lambda: nifti()[:60], "archive_damaged"),
        (lambda: raw_data()[: len(raw_data()) // 2], "truncated_hdf5"),
        (lambda: raw_data()[:8], "not_hdf5"),
    ],
)
def test_a_broken_file_is_refused_with_a_code_and_sinks_no_other(
    sender: Sender, content: Callable[[], bytes], code: str
) -> None:
    answer = sender.send(("broken", content()), ("whole.nii.gz", nifti()))
    assert (answer.status_code, statuses(answer), codes(answer)) == (202, ["rejected", "stored"], [code, None])
    assert [row.code for row in sender.rejections()] == [code]
