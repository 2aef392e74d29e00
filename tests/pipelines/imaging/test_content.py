"""What counts as the same object: what it says, and nothing of how it is coded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
)

from pipelines.imaging.dicom import read_content

Make = Callable[..., Path]
LATERALITY = {"CodeValue": "24028007", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Right"}


def coded(*nested: Dataset) -> Dataset:
    """A code, which sequences are made of here."""
    code = Dataset()
    for keyword, value in LATERALITY.items():
        setattr(code, keyword, value)
    if nested:
        code.ModifierCodeSequence = Sequence(nested)
    return code


def again(path: Path, change: Callable[[Dataset], object], syntax: str = ExplicitVRLittleEndian) -> str | None:
    """The content of the object after a change, written once more."""
    read = dcmread(path)
    dataset = Dataset({element.tag: element for element in read})  # a dataset that was read keeps its byte order
    dataset.file_meta = read.file_meta
    dataset.file_meta.TransferSyntaxUID = syntax
    change(dataset)
    target = path.with_suffix(".again")
    little = syntax != ExplicitVRBigEndian
    dataset.save_as(
        target, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=little, enforce_file_format=True
    )
    return read_content(target)


def name_writer(dataset: Dataset) -> None:
    """Another program wrote the file."""
    dataset.file_meta.ImplementationVersionName = "ANOTHER"
    dataset.file_meta.SourceApplicationEntityTitle = "ELSEWHERE"
    dataset.preamble = b"x" * 128


def delimit(dataset: Dataset) -> None:
    """Sequences and items end at their delimiters, and state no length."""
    for element in dataset.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True


def pad(dataset: Dataset) -> None:
    """What belongs to the file alone."""
    dataset.add_new(0xFFFCFFFC, "OB", bytes(10))


@pytest.fixture
def nested(synthetic_dicom: Make) -> Path:
    """An object with sequences in sequences, an empty one among them."""
    return synthetic_dicom(AnatomicRegionSequence=[coded(coded(), coded(coded()))], AcquisitionContextSequence=[])


@pytest.mark.parametrize("change", [name_writer, delimit, pad])
def test_what_carries_an_object_does_not_count(nested: Path, change: Callable[[Dataset], object]) -> None:
    assert again(nested, change) == read_content(nested) is not None


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_uncompressed_little_endian_values_are_the_same_however_they_are_coded(nested: Path, syntax: str) -> None:
    assert again(nested, delimit, syntax) == read_content(nested)


def test_group_lengths_do_not_count(synthetic_dicom: Make) -> None:
    path = synthetic_dicom()
    before, data = read_content(path), path.read_bytes()
    group = data.index(b"\x08\x00\x16\x00UI")
    path.write_bytes(data[:group] + b"\x08\x00\x00\x00UL\x04\x00" + bytes(4) + data[group:])
    assert read_content(path) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda dataset: setattr(dataset, "PatientName", "Doe^John"),
        lambda dataset: setattr(dataset, "PixelData", dataset.PixelData[:-1] + b"\x7f"),
        lambda dataset: dataset.add_new(0x00091010, "UN", b""),
        lambda dataset: setattr(dataset, "AnatomicRegionSequence", [coded(coded()), coded(coded())]),
        lambda dataset: setattr(dataset, "AcquisitionContextSequence", [Dataset()]),
    ],
    ids=["name", "pixel", "empty element", "moved item", "empty item"],
)
def test_whatever_an_object_says_counts(nested: Path, change: Callable[[Dataset], object]) -> None:
    assert again(nested, change) not in {read_content(nested), None}


def test_big_endian_values_are_others(nested: Path) -> None:
    assert again(nested, delimit, ExplicitVRBigEndian) not in {read_content(nested), None}


def test_compressed_frames_count_with_their_transfer_syntax(synthetic_dicom: Make) -> None:
    path = synthetic_dicom()

    def compress(content: bytes) -> Callable[[Dataset], object]:
        def change(dataset: Dataset) -> None:
            dataset.PixelData = encapsulate([content])
            dataset["PixelData"].is_undefined_length = True

        return change

    contents = {
        again(path, compress(b"a frame."), JPEGBaseline8Bit),
        again(path, compress(b"another."), JPEGBaseline8Bit),
        again(path, compress(b"a frame."), JPEG2000Lossless),
    }
    assert len(contents - {None}) == 3


def test_what_readers_may_disagree_on_has_no_content(synthetic_dicom: Make) -> None:
    path = synthetic_dicom()
    data = path.read_bytes()
    stray = b"\xfe\xff\xdd\xe0" + bytes(4)  # the end of a sequence that never began
    path.write_bytes(data + stray)
    assert read_content(path) is None
    path.write_bytes(data + b"\xfe\xff")
    assert read_content(path) is None
    path.write_bytes(b"no object")
    assert read_content(path) is None
