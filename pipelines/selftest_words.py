"""The words of the self-test, and the small objects that carry them; they are about nobody."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from pipelines.core.errors import UnsuitableInput
from pipelines.core.receipt import derived_uid

#: What Series Description (0008,103E) of an object begins with that has something to say to the self-test's pipeline.
PREFIX: Final = "Overread selftest:"
_SIDE: Final = 8  # pixels


class Act(StrEnum):
    """What an object can ask for."""

    SUCCEED = "succeed"  #: answer at once
    SLEEP = "sleep"  #: answer after as many seconds as stand behind it
    FAIL = "fail"  #: refuse the input
    DEFECT = "defect"  #: raise what no pipeline should
    CRASH = "crash"  #: a segmentation fault, as native code has them
    EXHAUST = "exhaust"  #: take more memory than there may be
    HANG = "hang"  #: never answer


@dataclass(frozen=True, slots=True)
class Word:
    """What one object asks for; `seconds` belong to SLEEP."""

    act: Act
    seconds: float = 0.0

    def __str__(self) -> str:
        """As it stands in Series Description (0008,103E)."""
        return f"{PREFIX} {self.act.value} {self.seconds:g}" if self.seconds else f"{PREFIX} {self.act.value}"


def read_word(description: str | None) -> Word:
    """The word in a Series Description; raises UnsuitableInput where there is none."""
    if description is None or not description.startswith(PREFIX):
        raise UnsuitableInput("the object says nothing that the self-test understands")
    act, _, seconds = description.removeprefix(PREFIX).strip().partition(" ")
    try:
        return Word(Act(act), float(seconds or 0))
    except ValueError as error:
        raise UnsuitableInput("the object says nothing that the self-test understands") from error


def instance_uid(study: str, number: int) -> str:
    """The SOP Instance UID of such an object."""
    return derived_uid("selftest instance", study, str(number))


def study_uid(study: str) -> str:
    """The Study Instance UID of such an object."""
    return derived_uid("selftest study", study)


def selftest_object(word: Word, study: str, number: int = 1) -> bytes:
    """A DICOM file (Secondary Capture, PS3.3 A.8.1) that carries the word.

    `study` is any text: the same one gives the same study, series and patient, and with the same `number` the same
    bytes.
    """
    dataset = Dataset()
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = instance_uid(study, number)
    dataset.StudyInstanceUID = study_uid(study)
    dataset.SeriesInstanceUID = derived_uid("selftest series", study)
    dataset.PatientID = f"SELFTEST {study}"
    dataset.PatientName = "Selftest"
    dataset.Modality = "OT"
    dataset.ConversionType = "SYN"
    dataset.SeriesDescription = str(word)
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = number
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows = dataset.Columns = _SIDE
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    dataset.PixelData = bytes(_SIDE * _SIDE)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
