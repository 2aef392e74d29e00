"""Somebody else's bundles through the pipeline: volumes, pictures and numbers, on our geometry and with our files."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian, MRImageStorage

from pipelines.bundle_findings import labelled, structure
from pipelines.core.entry import Entry
from pipelines.core.errors import IsolationUnavailable, ModelError, OutOfMemory, UnsuitableInput, WeightsRefused
from pipelines.core.receipt import is_intact
from pipelines.core.types import Laterality, Reading, Urgency
from pipelines.core.zoo import Trust
from pipelines.exporters.base import Source
from pipelines.exporters.registry import EXPORTERS
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.subject import LocalSubject, subject_from_files
from pipelines.nets.zoo_check import Wishes
from pipelines.nets.zoo_open import check, opened
from pipelines.registry import resolve
from tests.pipelines import zoo_samples
from tests.pipelines.nets.test_zoo_model import AFFINE, by_us, rewritten, scan

STUDY, SERIES, FRAME = "1.2.3.1", "1.2.3.2", "1.2.3.3"


def image(number: int, sop_class: str, modality: str, pixels: NDArray[np.uint16]) -> Dataset:
    """(rows, columns) as a DICOM image of one series."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = f"1.2.3.4.{number}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = STUDY, SERIES, FRAME
    dataset.PatientID, dataset.PatientName, dataset.Modality, dataset.InstanceNumber = "P", "Doe^Jane", modality, number
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = pixels.tobytes()
    return dataset


def mr_series(folder: Path) -> list[Path]:
    """The scan as axial MR images of 1.5 x 1.2 mm, 2 mm apart."""
    paths = []
    for k in range(scan().shape[2]):
        made = image(k + 1, MRImageStorage, "MR", scan()[:, :, k].T.astype(np.uint16))
        made.ImageOrientationPatient, made.PixelSpacing = [1, 0, 0, 0, 1, 0], [1.5, 1.2]
        made.ImagePositionPatient, made.SliceThickness = [-10, 5, 2.0 * k], 2.0
        paths.append(folder / f"{k}.dcm")
        made.save_as(paths[-1], enforce_file_format=True)
    return paths


def mammograms(folder: Path, count: int) -> list[Path]:
    """A few grey pictures."""
    paths = []
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 4000, (40, 50)).astype(np.uint16)
        paths.append(folder / f"{number}.dcm")
        image(number, DigitalMammographyXRayImageStorageForPresentation, "MG", pixels).save_as(
            paths[-1], enforce_file_format=True
        )
    return paths


def nifti(folder: Path) -> Path:
    """The scan as a NIfTI file on an oblique grid."""
    nibabel.save(nibabel.Nifti1Image(scan(), AFFINE), folder / "scan.nii")
    return folder / "scan.nii"


@contextmanager
def local(paths: list[Path]) -> Iterator[LocalSubject]:
    """The files as one series."""
    with Decoder() as decoder, subject_from_files(paths, decoder, "series") as made:
        yield made


def read(folder: Path, paths: list[Path], wishes: Wishes | None = None) -> Reading:
    """The bundle's reading of the files."""
    entry = check(folder, wishes or Wishes()).entry()
    with local(paths) as made, resolve(entry, folder) as pipeline:
        return pipeline.run(made.subject)


def volume_of(reading: Reading, name: str) -> nibabel.Nifti1Image:
    """An artifact as the NIfTI image it is."""
    content = next(artifact.content for artifact in reading.artifacts if artifact.name == name)
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(content))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The segmentation bundle; nobody writes to it."""
    return zoo_samples.segmentation(tmp_path_factory.mktemp("bundles") / "spleen_like")


@pytest.fixture(scope="module")
def segmented(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """What it says of the NIfTI file."""
    return read(bundle, [nifti(tmp_path_factory.mktemp("scans"))])


def test_a_nifti_file_becomes_volumes_of_structures(bundle: Path, segmented: Reading) -> None:
    reading, labels = segmented, by_us(bundle, scan(), AFFINE)[0]
    voxel_ml = abs(np.linalg.det(AFFINE[:3, :3])) / 1000
    assert np.array_equal(np.asarray(volume_of(reading, "segmentation.nii.gz").dataobj), labels)
    assert [(each.label, each.code.scheme, each.unit) for each in reading.findings] == [
        ("spleen", "SCT", "ml"),
        ("odd_thing", "99OVR", "ml"),
    ]
    assert [each.value for each in reading.findings] == [
        pytest.approx(float((labels == number).sum() * voxel_ml), abs=1e-3) for number in (1, 2)
    ]
    assert is_intact(reading.receipt)


def test_uncertainty_and_heat_lie_on_the_source(segmented: Reading) -> None:
    unsure, heat = volume_of(segmented, "uncertainty.nii.gz"), volume_of(segmented, "gradcam.nii.gz")
    assert unsure.shape == heat.shape == scan().shape
    assert np.allclose(unsure.affine, AFFINE, atol=1e-4)
    inside = np.asarray(unsure.dataobj)[8:22, 7:18, 6:16]
    assert inside.min() > 0
    assert inside.max() <= 1


def test_a_reading_that_is_not_sure_is_put_before_a_person(segmented: Reading) -> None:
    assert segmented.quality.score < 0.5
    assert segmented.abstain_reason == "low_confidence"
    assert segmented.urgency is Urgency.CHECK
    assert segmented.explanation is not None
    assert not segmented.explanation.reliable


def test_a_dicom_series_gets_a_segmentation_object_on_its_own_frames(bundle: Path, tmp_path: Path) -> None:
    entry = check(bundle, Wishes()).entry()
    with local(mr_series(tmp_path)) as made, resolve(entry, bundle) as pipeline:
        reading = pipeline.run(made.subject)
        source = Source(made.headers, datetime(2026, 1, 2, tzinfo=UTC))
        [exported] = EXPORTERS["seg"]().export(reading, source)
        [report] = EXPORTERS["sr"]().export(reading, source)
    written = pydicom.dcmread(BytesIO(exported.content))
    assert [segment.SegmentLabel for segment in written.SegmentSequence] == ["spleen", "odd thing"]
    assert written.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue == "78961009"
    assert written.FrameOfReferenceUID == FRAME
    voxels = int((np.asarray(volume_of(reading, "segmentation.nii.gz").dataobj) > 0).sum())
    assert int(written.pixel_array.sum()) == voxels
    assert report.name == "report.dcm"


def test_the_same_series_gives_the_same_bytes(bundle: Path, segmented: Reading, tmp_path: Path) -> None:
    again = read(bundle, [nifti(tmp_path)])
    assert again.artifacts == segmented.artifacts
    assert again.receipt.digest == segmented.receipt.digest


def test_pictures_are_classified_one_by_one(tmp_path: Path) -> None:
    reading = read(zoo_samples.classification(tmp_path / "density"), mammograms(tmp_path, 2))
    assert [each.label for each in reading.findings] == ["class_1", "class_2"]
    chances = reading.findings[0].probabilities
    assert chances is not None
    assert set(chances) == {"A", "B", "C"}
    assert sum(chances.values()) == pytest.approx(1, abs=1e-3)
    assert [artifact.name for artifact in reading.artifacts] == ["1-overlay.png", "2-overlay.png"]
    assert [each.sop_instance_uid for each in reading.images] == ["1.2.3.4.0", "1.2.3.4.1"]


def test_a_regression_gives_its_numbers_by_name(tmp_path: Path) -> None:
    folder = zoo_samples.regression(tmp_path / "age")
    reading = read(folder, [nifti(tmp_path)])
    age, thickness = by_us(folder, scan(), AFFINE)
    assert {each.label: each.value for each in reading.findings} == {
        "age": pytest.approx(float(age), rel=1e-5),
        "thickness": pytest.approx(float(thickness), rel=1e-5),
    }


def test_a_series_of_another_kind_is_refused(bundle: Path, tmp_path: Path) -> None:
    entry = check(bundle, Wishes()).entry()
    with local(mammograms(tmp_path, 1)) as made, resolve(entry, bundle) as pipeline, pytest.raises(UnsuitableInput):
        pipeline.run(made.subject)


def test_a_folder_that_was_changed_after_it_was_registered_is_refused(tmp_path: Path) -> None:
    folder = zoo_samples.segmentation(tmp_path / "bundle")
    entry = check(folder, Wishes()).entry()
    torch.save({name: value + 1 for name, value in zoo_samples.unet().state_dict().items()}, folder / "models/model.pt")
    with pytest.raises(WeightsRefused):
        resolve(entry, folder)


def test_more_memory_than_there_may_be_is_refused_before_it_is_taken(bundle: Path, tmp_path: Path) -> None:
    entry = check(bundle, Wishes()).entry()
    with (
        local([nifti(tmp_path)]) as made,
        resolve(entry, bundle, memory_bytes=10_000) as pipeline,
        pytest.raises(OutOfMemory),
    ):
        pipeline.run(made.subject)


@pytest.mark.parametrize(
    ("name", "label", "scheme", "side"),
    [
        ("Spleen", "spleen", "SCT", None),
        ("left kidney", "left_kidney", "SCT", Laterality.LEFT),
        ("kidney_right", "kidney_right", "SCT", Laterality.RIGHT),
        ("left_and_right", "left_and_right", "99OVR", None),
        ("a structure of a very long name", "a_structure_of_a_very_long_name", "99OVR", None),
        ("***", "label_7", "99OVR", None),
    ],
)
def test_a_structure_has_a_code_by_its_name(name: str, label: str, scheme: str, side: Laterality | None) -> None:
    found = structure(7, name)
    assert (found.label, found.code.scheme, found.laterality) == (label, scheme, side)
    assert len(found.code.value) <= 16


def test_overlapping_structures_keep_their_own_counts() -> None:
    made = np.zeros((2, 4, 4, 4), np.float32)
    made[0, :3], made[1, 1:2] = 1, 1
    found = labelled(made, {0: "whole tumor", 1: "core"})
    assert found.voxels == {1: 48, 2: 16}
    assert int((found.labels == 2).sum()) == 16
    assert int((found.labels == 1).sum()) == 32


def test_labels_without_a_name_get_one_and_leave_no_gap() -> None:
    made = np.array([0, 1, 4], np.float32).reshape(1, 3, 1, 1)
    found = labelled(made, {0: "background", 1: "core"})
    assert [each.number for each in found.structures] == [1, 2, 3, 4]
    assert found.structures[-1].name == "label 4"


def test_labels_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ModelError):
        labelled(np.array([0.5, 300], np.float32).reshape(1, 2, 1, 1), {0: "background", 1: "core"})


LAMBDA = {"_target_": "Lambdad", "keys": "pred", "func": "$lambda x: x * (x < 2)"}


def with_lambda(folder: Path) -> Path:
    """The segmentation with a step that only Python can take: it drops the second structure."""
    steps = zoo_samples.SEGMENTATION["postprocessing"]["transforms"]
    return rewritten(folder, postprocessing={"_target_": "Compose", "transforms": [*steps, LAMBDA]})


def test_trusted_code_runs_in_a_closed_process(bundle: Path, tmp_path: Path) -> None:
    folder = with_lambda(zoo_samples.segmentation(tmp_path / "bundle"))
    try:
        found = opened(folder, Wishes(Trust.CODE), True)
    except IsolationUnavailable:
        pytest.skip("this kernel grants no user namespaces")
    with closing(found.runner) as runner:
        runner.prepare(0, scan()[None], AFFINE)
        runner.infer(0)
        made = runner.finish(0)
    plain = by_us(bundle, scan(), AFFINE)
    assert found.bundle.trust is Trust.CODE
    assert np.array_equal(made.array, plain * (plain < 2))
    assert made.affine is not None
    assert np.allclose(made.affine, AFFINE)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_script_of_torch_is_read_with_trust(bundle: Path, tmp_path: Path) -> None:
    folder = zoo_samples.segmentation(tmp_path / "bundle")
    script = torch.jit.trace(zoo_samples.unet().eval(), torch.zeros(1, 1, 16, 16, 16), check_trace=False)
    torch.jit.save(script, folder / "models" / "model.ts")
    (folder / "models" / "model.pt").unlink()
    try:
        reading = read(folder, [nifti(tmp_path)], Wishes(Trust.CODE))
    except IsolationUnavailable:
        pytest.skip("this kernel grants no user namespaces")
    plain = by_us(bundle, scan(), AFFINE)[0]
    made = np.asarray(volume_of(reading, "segmentation.nii.gz").dataobj)
    assert float((made == plain).mean()) > 0.999  # a traced network may round its last bit otherwise
    assert reading.receipt.parameters["trust"] == "code"


def test_the_entry_routes_what_the_metadata_names(tmp_path: Path) -> None:
    entry: Entry = check(zoo_samples.segmentation(tmp_path / "bundle"), Wishes(automatic=True)).entry()
    assert entry.accepts.takes("MR", MRImageStorage)
    assert not entry.accepts.takes("CT", "1.2.840.10008.5.1.4.1.1.2")
    assert not entry.on_request
    assert replace(entry, on_request=True) == check(tmp_path / "bundle", Wishes()).entry()
