from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
)

from pipelines.core.errors import NotAnImage
from pipelines.core.types import Laterality
from pipelines.imaging.dicom import DicomHeader, read_header
from pipelines.imaging.structure import MAX_DEPTH

Make = Callable[..., Path]


def refusal(path: Path) -> str:
    with pytest.raises(NotAnImage) as refused:
        read_header(path)
    return refused.value.code


def header_bytes(path: Path) -> tuple[bytes, int]:
    """The file's bytes, and where its data set begins."""
    data = path.read_bytes()
    return data, 144 + struct.unpack("<L", data[140:144])[0]


def recoded(path: Path, syntax: str, *, implicit: bool, little: bool) -> Path:
    read = dcmread(path)
    dataset = Dataset({element.tag: element for element in read})  # a dataset that was read keeps its byte order
    dataset.file_meta = read.file_meta
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return path


def test_a_header_says_what_the_object_is(synthetic_dicom: Make) -> None:
    path = synthetic_dicom(PatientName="Müller^Jürgen", SpecificCharacterSet="ISO_IR 100", IssuerOfPatientID="Ward")
    header = read_header(path)
    assert (header.modality, header.patient_id, header.issuer) == ("OP", "P-1", "Ward")
    assert header.patient_name == "Müller^Jürgen"
    assert (header.rows, header.columns, header.frames, header.samples, header.bits_stored) == (8, 8, 1, 3, 8)
    assert (header.study_date, header.birth_date, header.instance_number) == ("20260102", "19600101", 1)
    assert header.laterality is Laterality.LEFT
    assert header.has_pixel_data


@pytest.mark.parametrize(
    ("syntax", "implicit", "little"),
    [
        (ImplicitVRLittleEndian, True, True),
        (ExplicitVRBigEndian, False, False),
        (DeflatedExplicitVRLittleEndian, False, True),
    ],
)
def test_every_uncompressed_syntax_gives_the_same_header(
    synthetic_dicom: Make, syntax: str, implicit: bool, little: bool
) -> None:
    path = synthetic_dicom()
    explicit = read_header(path)
    again = read_header(recoded(path, syntax, implicit=implicit, little=little))
    assert again.transfer_syntax == syntax
    assert (again.sop_instance_uid, again.rows, again.columns) == (explicit.sop_instance_uid, 8, 8)
    assert again.has_pixel_data


def test_series_laterality_stands_in_for_image_laterality(synthetic_dicom: Make) -> None:
    assert read_header(synthetic_dicom(ImageLaterality=None, Laterality="R")).laterality is Laterality.RIGHT


def test_an_object_without_pixels_is_no_reason_to_refuse(synthetic_dicom: Make) -> None:
    assert not read_header(synthetic_dicom(PixelData=None)).has_pixel_data


def test_names_in_several_character_sets_are_read(synthetic_dicom: Make) -> None:
    name = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    path = synthetic_dicom(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName=name)
    assert read_header(path).patient_name == name


def test_an_unknown_character_set_is_no_reason_to_refuse(synthetic_dicom: Make) -> None:
    path = synthetic_dicom(SpecificCharacterSet="ISO_IR 100", PatientName="Müller")
    path.write_bytes(path.read_bytes().replace(b"ISO_IR 100", b"ISO_IR 999"))
    assert read_header(path).patient_name == "Müller"


@pytest.mark.filterwarnings("ignore:Failed to decode")  # only a strict program turns pydicom's warning into an error
def test_patient_ids_that_do_not_decode_stay_two_patients(synthetic_dicom: Make) -> None:
    path = synthetic_dicom(SpecificCharacterSet="ISO_IR 192", PatientID="P__7", IssuerOfPatientID="W__d")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"P__7", b"P\xfc_7").replace(b"W__d", b"W\xfc_d"))
    one = read_header(path)
    path.write_bytes(whole.replace(b"P__7", b"P\xe4_7").replace(b"W__d", b"W\xe4_d"))
    other = read_header(path)
    assert (one.patient_id, other.patient_id) == ("Pü_7", "Pä_7")
    assert (one.issuer, other.issuer) == ("Wü_d", "Wä_d")


def test_control_characters_do_not_reach_the_database(synthetic_dicom: Make) -> None:
    path = synthetic_dicom(StudyDescription="ab_cd_e")
    path.write_bytes(path.read_bytes().replace(b"ab_cd_e", b"ab\x00cd\x07e"))
    assert read_header(path).study_description == "abcde"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.dcm").touch()
    assert refusal(tmp_path / "empty.dcm") == "empty_file"


@pytest.mark.parametrize("data", [b"hello", bytes(5000), b"\x89PNG\r\n\x1a\n" + bytes(200)])
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.dcm").write_bytes(data)
    assert refusal(tmp_path / "x.dcm") == "not_dicom"


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID"])
def test_an_object_without_a_uid_is_refused(synthetic_dicom: Make, keyword: str) -> None:
    path = synthetic_dicom()
    dataset = dcmread(path)
    delattr(dataset, keyword)
    dataset.save_as(path)
    assert refusal(path) == "missing_uid"


def test_a_uid_that_is_none_is_refused(synthetic_dicom: Make) -> None:
    path = synthetic_dicom(StudyInstanceUID="1.2.3.4")
    path.write_bytes(path.read_bytes().replace(b"1.2.3.4", b"1/../.4"))
    assert refusal(path) == "invalid_uid"


def test_an_unknown_transfer_syntax_is_refused(synthetic_dicom: Make) -> None:
    path = synthetic_dicom()
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = "1.2.3.4.5"
    dataset.save_as(path, implicit_vr=False, little_endian=True)
    assert refusal(path) == "unknown_transfer_syntax"


def test_a_directory_is_refused(synthetic_dicom: Make) -> None:
    path = synthetic_dicom()
    dataset = dcmread(path)
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    dataset.save_as(path)
    assert refusal(path) == "dicomdir"


def test_a_file_that_ends_inside_its_header_is_refused_wherever_it_ends(synthetic_dicom: Make, tmp_path: Path) -> None:
    data, _ = header_bytes(synthetic_dicom())
    last_uid = data.index(struct.pack("<HH", 0x0020, 0x000E))  # cut behind it, between elements, it is an object
    cut = tmp_path / "cut.dcm"
    codes = set()
    for end in range(133, last_uid, 7):
        cut.write_bytes(data[:end])
        codes.add(refusal(cut))
    assert codes <= {"truncated_header", "missing_uid", "unknown_transfer_syntax"}


def test_a_file_that_ends_inside_its_pixels_is_refused(synthetic_dicom: Make) -> None:
    path = synthetic_dicom()
    path.write_bytes(path.read_bytes()[:-10])
    assert refusal(path) == "truncated_pixels"


def test_bytes_behind_the_pixels_are_let_be(synthetic_dicom: Make) -> None:
    path = synthetic_dicom()
    path.write_bytes(path.read_bytes() + b"\xff" * 77)
    assert read_header(path).has_pixel_data


@pytest.mark.parametrize(
    "claim",
    [{"Rows": 65535}, {"Columns": 0}, {"NumberOfFrames": 1_000_000}, {"BitsAllocated": 16}, {"NumberOfFrames": -1}],
)
def test_an_image_larger_than_its_pixels_is_refused(synthetic_dicom: Make, claim: dict[str, int]) -> None:
    path = synthetic_dicom()
    dataset = dcmread(path)
    for keyword, value in claim.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    assert refusal(path) == "absurd_dimensions"


def encapsulated(path: Path, syntax: str, frames: int, **claim: int) -> Path:
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([b"\xff\xd8\xff\xd9"] * frames)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    for keyword, value in claim.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_compressed_pixels_need_a_fragment_a_frame(synthetic_dicom: Make) -> None:
    assert refusal(encapsulated(synthetic_dicom(), JPEG2000Lossless, 2, NumberOfFrames=3)) == "absurd_dimensions"


def test_compressed_pixels_of_absurd_size_are_refused(synthetic_dicom: Make) -> None:
    path = encapsulated(synthetic_dicom(), JPEGBaseline8Bit, 1, Rows=65535, Columns=65535)
    assert refusal(path) == "absurd_dimensions"


def test_compressed_pixels_that_end_early_are_refused(synthetic_dicom: Make) -> None:
    path = encapsulated(synthetic_dicom(), JPEGBaseline8Bit, 1)
    path.write_bytes(path.read_bytes()[:-10])
    assert refusal(path) == "truncated_pixels"


def nested(depth: int) -> Dataset:
    dataset = Dataset()
    for _ in range(depth):
        outer = Dataset()
        outer.ContentSequence = Sequence([dataset])
        dataset = outer
    return dataset


def test_ordinary_nesting_is_read(synthetic_dicom: Make) -> None:
    assert read_header(synthetic_dicom(ContentSequence=nested(20).ContentSequence)).rows == 8


def bomb_of_undefined_lengths(depth: int) -> bytes:
    opening = struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    return opening * depth


def bomb_of_defined_lengths(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, len(inner)) + inner
        inner = struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, len(item)) + item
    return inner


@pytest.mark.parametrize("bomb", [bomb_of_undefined_lengths, bomb_of_defined_lengths])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 2, 100_000])
def test_a_nesting_bomb_is_refused(synthetic_dicom: Make, bomb: Callable[[int], bytes], depth: int) -> None:
    path = synthetic_dicom(PixelData=None)
    path.write_bytes(path.read_bytes() + bomb(min(depth, 5000) if bomb is bomb_of_defined_lengths else depth))
    assert refusal(path) == "nesting_bomb"


def test_a_bomb_behind_the_pixels_is_refused_too(synthetic_dicom: Make) -> None:
    path = synthetic_dicom()
    path.write_bytes(path.read_bytes() + bomb_of_undefined_lengths(1000))
    assert refusal(path) == "nesting_bomb"


def test_a_deflate_bomb_is_refused(synthetic_dicom: Make) -> None:
    path = recoded(synthetic_dicom(), DeflatedExplicitVRLittleEndian, implicit=False, little=True)
    data, begin = header_bytes(path)
    stream = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    element = struct.pack("<HH2sHL", 0x0009, 0x1001, b"OB", 0, 30_000_000)
    squeezed = stream.compress(element) + b"".join(stream.compress(bytes(1_000_000)) for _ in range(30))
    path.write_bytes(data[:begin] + squeezed + stream.flush())
    assert refusal(path) == "nesting_bomb"


def test_a_broken_deflate_stream_is_refused(synthetic_dicom: Make) -> None:
    path = recoded(synthetic_dicom(), DeflatedExplicitVRLittleEndian, implicit=False, little=True)
    data, begin = header_bytes(path)
    path.write_bytes(data[:begin] + b"\xff" * 200)
    assert refusal(path) == "truncated_header"


@given(st.data())
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_damage_gives_a_header_or_a_coded_refusal(
    synthetic_dicom: Make, tmp_path: Path, data: st.DataObject
) -> None:
    uids = dict.fromkeys(("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"), "1.2.3")
    whole = bytearray(synthetic_dicom(ContentSequence=nested(3).ContentSequence, **uids).read_bytes())
    for position in data.draw(st.lists(st.integers(132, len(whole) - 1), min_size=1, max_size=8)):
        whole[position] = data.draw(st.integers(0, 255))
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(whole[: data.draw(st.integers(133, len(whole)))])
    try:
        outcome: object = read_header(damaged)
    except NotAnImage as error:
        outcome = error.code
    assert isinstance(outcome, DicomHeader | str)
