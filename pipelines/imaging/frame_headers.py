"""Reads the geometry and acquisition facts of every frame of a DICOM file; runs in the decoding child, see decoder.py.

Classic objects say them at the top level, enhanced ones in functional groups, a frame's own before the shared ones
(PS3.3 C.7.6.16.1.1). Nothing is judged here: that is volume_plan.py's part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from pipelines.core.errors import NotAnImage
from pipelines.imaging.frames import ContrastFacts, FileFacts, FrameFacts, Pair, Six, Triple

Value = TypeVar("Value")
#: One object's frames; the largest enhanced objects of 2026 (cardiac flow, perfusion) hold a fifth of it.
MAX_FRAMES: Final = 50_000
_GE_GROUP: Final = 0x0043
_GE_CREATOR: Final = "GEMS_PARM_01"
_GE_COMPONENT: Final = 0x2F  # GE conformance statement: 0 magnitude, 1 phase, 2 real, 3 imaginary
_GE_COMPONENTS: Final = ("MAGNITUDE", "PHASE", "REAL", "IMAGINARY")
#: Values of Image Type, from the third on, by which makers mark what is not magnitude.
_COMPONENTS: Final = {
    "MAGNITUDE": ("M", "MAGNITUDE"),
    "PHASE": ("P", "PHASE", "PHASE MAP", "PHASE_MAP"),
    "REAL": ("R", "REAL", "FIELD_MAP"),
    "IMAGINARY": ("I", "IMAGINARY"),
}
#: Where an enhanced object keeps what a classic one has at the top level: PS3.3 A.36.2.4, A.70.3.4.
_GROUPS: Final = {
    "PixelSpacing": "PixelMeasuresSequence",
    "SliceThickness": "PixelMeasuresSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "ImagePositionPatient": "PlanePositionSequence",
    "FrameType": "MRImageFrameTypeSequence",
    "ComplexImageComponent": "MRImageFrameTypeSequence",
    "AcquisitionContrast": "MRImageFrameTypeSequence",
    "EffectiveEchoTime": "MREchoSequence",
    "RepetitionTime": "MRTimingAndRelatedParametersSequence",
    "FlipAngle": "MRTimingAndRelatedParametersSequence",
    "InversionTimes": "MRModifierSequence",
    "DiffusionBValue": "MRDiffusionSequence",
    "TemporalPositionIndex": "FrameContentSequence",
}
_CONVERTED: Final = ("UnassignedPerFrameConvertedAttributesSequence", "UnassignedSharedConvertedAttributesSequence")


def read_facts(path: Path) -> FileFacts:
    """The facts of a DICOM image; raises NotAnImage where the file is none or has an absurd number of frames."""
    try:
        dataset = dcmread(path, stop_before_pixels=True)
    except InvalidDicomError as error:
        raise NotAnImage("the file is not DICOM") from error
    count = _value(dataset, "NumberOfFrames", _whole) or 1
    if not 0 < count <= MAX_FRAMES:
        raise NotAnImage("the number of frames is absurd", code="absurd_dimensions", frames=count)
    scopes = [_Scope(dataset, index) for index in range(count)]
    return FileFacts(
        modality=_value(dataset, "Modality", str) or "",
        rows=_value(dataset, "Rows", _whole) or 0,
        columns=_value(dataset, "Columns", _whole) or 0,
        samples=_value(dataset, "SamplesPerPixel", _whole) or 1,
        frame_of_reference=_value(dataset, "FrameOfReferenceUID", str) or "",
        frames=tuple(_frame(scope) for scope in scopes),
        acquisition=_acquisition(scopes[0]),
    )


class _Scope:
    """One frame's view of its object: its own functional groups, the shared ones, then the top level."""

    def __init__(self, dataset: Dataset, index: int) -> None:
        self.dataset, self.index = dataset, index
        own = _items(dataset, "PerFrameFunctionalGroupsSequence")
        shared = _items(dataset, "SharedFunctionalGroupsSequence")
        self._groups = [*own[index : index + 1], *shared[:1]]

    def get(self, keyword: str, kind: Callable[[object], Value]) -> Value | None:
        """A value of this frame as `kind`; None where it is absent or not of that kind."""
        sequences = [_GROUPS[keyword]] if keyword in _GROUPS else []
        for group in self._groups:
            for sequence in (*sequences, *_CONVERTED):
                for item in _items(group, sequence)[:1]:
                    found = _value(item, keyword, kind)
                    if found is not None:
                        return found
        return _value(self.dataset, keyword, kind)


def _frame(scope: _Scope) -> FrameFacts:
    image_type = scope.get("FrameType", _words) or scope.get("ImageType", _words) or ()
    return FrameFacts(
        index=scope.index,
        spacing=scope.get("PixelSpacing", _pair),
        orientation=scope.get("ImageOrientationPatient", _six),
        position=scope.get("ImagePositionPatient", _triple),
        thickness=scope.get("SliceThickness", _number),
        image_type=image_type,
        component=_component(scope, image_type),
        echo_time=_echo_time(scope),
        temporal_position=scope.get("TemporalPositionIndex", _whole) or scope.get("TemporalPositionIdentifier", _whole),
        acquisition_number=scope.get("AcquisitionNumber", _whole),
        b_value=scope.get("DiffusionBValue", _number),
    )


def _acquisition(scope: _Scope) -> ContrastFacts:
    names = ("SeriesDescription", "ProtocolName", "PulseSequenceName", "SequenceName", "AcquisitionProtocolName")
    return ContrastFacts(
        echo_time=_echo_time(scope),
        repetition_time=scope.get("RepetitionTime", _number),
        inversion_time=scope.get("InversionTimes", _number) or scope.get("InversionTime", _number),
        flip_angle=scope.get("FlipAngle", _number),
        sequence=scope.get("ScanningSequence", _words) or scope.get("EchoPulseSequence", _words) or (),
        variant=scope.get("SequenceVariant", _words) or (),
        contrast=scope.get("AcquisitionContrast", _word) or "",
        names=tuple(name for keyword in names if (name := scope.get(keyword, str))),
    )


def _echo_time(scope: _Scope) -> float | None:
    time = scope.get("EffectiveEchoTime", _number)
    return scope.get("EchoTime", _number) if time is None else time


def _component(scope: _Scope, image_type: Sequence[str]) -> str:
    """MAGNITUDE, PHASE, REAL, IMAGINARY, another word of the maker's, or nothing where nobody says."""
    said = scope.get("ComplexImageComponent", _word)
    if said:
        return said
    ge = _ge_component(scope.dataset)
    if ge is not None:
        return ge
    for word in image_type[2:]:
        for component, marks in _COMPONENTS.items():
            if word in marks or word.startswith(f"{marks[0]}_"):
                return component
    return ""


def _ge_component(dataset: Dataset) -> str | None:
    """What GE says in its private element (0043,xx2F)."""
    try:
        value = int(dataset.private_block(_GE_GROUP, _GE_CREATOR)[_GE_COMPONENT].value)
    except (KeyError, TypeError, ValueError):
        return None
    return _GE_COMPONENTS[value] if 0 <= value < len(_GE_COMPONENTS) else None


def _items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    """The items of a sequence; none where it is absent or no sequence."""
    value = dataset.get(keyword)
    return value if value and isinstance(value[0], Dataset) else ()


def _value(dataset: Dataset, keyword: str, kind: Callable[[object], Value]) -> Value | None:
    """An element's value as `kind`; None where it is absent, empty or not of that kind."""
    try:
        value = dataset.get(keyword)
        return None if value is None or value == "" else kind(value)
    except (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError):
        # A header may hold anything under any name; what is no value of its kind counts as absent.
        return None


def _number(value: object) -> float:
    """The first value as a number."""
    return _floats(value)[0]


def _whole(value: object) -> int:
    return int(str(value))


def _floats(value: object) -> list[float]:
    return (
        [float(item) for item in value]
        if isinstance(value, Sequence) and not isinstance(value, str)
        else [float(str(value))]
    )


def _pair(value: object) -> Pair:
    first, second = _floats(value)
    return first, second


def _triple(value: object) -> Triple:
    x, y, z = _floats(value)
    return x, y, z


def _six(value: object) -> Six:
    a, b, c, d, e, f = _floats(value)
    return a, b, c, d, e, f


def _word(value: object) -> str:
    return str(value).strip().upper()


def _words(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence):
        raise TypeError("no words")
    return tuple(_word(item) for item in items)
