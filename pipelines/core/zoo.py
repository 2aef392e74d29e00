"""What the registry knows of somebody else's MONAI bundle, as a value, and the entry that routes studies to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from pipelines.core import codes
from pipelines.core.entry import Accepts, Entry
from pipelines.core.errors import BundleRefused

CLASS_PATH: Final = "pipelines.monai_bundle:MonaiBundle"
QUEUE: Final = "bundle"
#: Counts changes of how bundles are run that make results worth repeating.
REVISION: Final = 1


class Task(StrEnum):
    """What a bundle's network says of an image."""

    SEGMENTATION = "segmentation"  #: a structure for each voxel
    CLASSIFICATION = "classification"  #: a probability for each class
    REGRESSION = "regression"  #: numbers


class Trust(StrEnum):
    """How far a bundle's own code is let run."""

    NONE = "none"  #: its configuration is interpreted from a list of names
    CODE = "code"  #: an administrator let its Python run, in a closed process


#: DICOM modality (PS3.3 C.7.3.1.1.1) -> Storage SOP Classes (PS3.4 Table B.5-1) that such images come in.
SOP_CLASSES: Final[Mapping[str, frozenset[str]]] = {
    "CT": frozenset({"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"}),
    "MR": frozenset({"1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4"}),
    "PT": frozenset({"1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.130", "1.2.840.10008.5.1.4.1.1.128.1"}),
    "CR": frozenset({"1.2.840.10008.5.1.4.1.1.1"}),
    "DX": frozenset({"1.2.840.10008.5.1.4.1.1.1.1"}),
    "MG": frozenset({"1.2.840.10008.5.1.4.1.1.1.2"}),
    "US": frozenset({"1.2.840.10008.5.1.4.1.1.6.1"}),
    "ES": frozenset({"1.2.840.10008.5.1.4.1.1.77.1.1", "1.2.840.10008.5.1.4.1.1.7"}),
    "OP": frozenset({"1.2.840.10008.5.1.4.1.1.77.1.5.1", "1.2.840.10008.5.1.4.1.1.77.1.4"}),
    "XC": frozenset({"1.2.840.10008.5.1.4.1.1.77.1.4", "1.2.840.10008.5.1.4.1.1.7"}),
}

#: How network_data_format writes a modality, in lower case -> DICOM modalities.
_MODALITIES: Final[Mapping[str, tuple[str, ...]]] = {
    "ct": ("CT",),
    "mr": ("MR",),
    "mri": ("MR",),
    "pet": ("PT",),
    "pt": ("PT",),
    "x-ray": ("CR", "DX"),
    "xray": ("CR", "DX"),
    "cxr": ("CR", "DX"),
    "cr": ("CR",),
    "dx": ("DX",),
    "mg": ("MG",),
    "mammogram": ("MG",),
    "us": ("US",),
    "ultrasound": ("US",),
    "es": ("ES",),
    "xc": ("XC",),
    "endoscopy": ("ES",),
    "regular": ("ES", "XC"),
    "rgb": ("ES", "XC"),
    "op": ("OP",),
    "fundus": ("OP",),
}


def dicom_modalities(word: str) -> tuple[str, ...]:
    """The DICOM modalities that a bundle's word for one means; raises BundleRefused for an unknown word."""
    found = _MODALITIES.get(word.strip().lower())
    if found is None:
        known = ", ".join(sorted(SOP_CLASSES))
        raise BundleRefused(
            f"the bundle's modality {word[:40]!r} is none of {known}: name it with --modality",
            code="bundle_modality_unknown",
        )
    return found


@dataclass(frozen=True, slots=True)
class ZooBundle:
    """A bundle that was checked: what it reads and says, its digests, and how far its code is trusted.

    `structures` are the output channels' names by number; `digest` is over every file of the folder, `weights` the
    path of the weights file in it.
    """

    name: str
    version: str
    title: str
    task: Task
    modalities: tuple[str, ...]
    dimensions: int
    channels: int
    structures: Mapping[int, str]
    weights: str
    weights_sha256: str
    digest: str
    trust: Trust
    automatic: bool

    def as_facts(self) -> dict[str, object]:
        """The value as JSON for the registry."""
        return {**asdict(self), "structures": {str(number): name for number, name in self.structures.items()}}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> ZooBundle:  # Any: JSON, as `as_facts` wrote it
        """The value from the registry's JSON."""
        told = dict(facts)
        told["structures"] = {int(number): str(name) for number, name in told["structures"].items()}
        told["modalities"] = tuple(told["modalities"])
        return cls(**{**told, "task": Task(told["task"]), "trust": Trust(told["trust"])})

    def entry(self) -> Entry:
        """How studies reach the bundle: by its modality, on request unless it was added as automatic."""
        files = frozenset().union(*(SOP_CLASSES[modality] for modality in self.modalities))
        volumes = self.dimensions == 3
        return Entry(
            name=self.name,
            class_path=CLASS_PATH,
            accepts=Accepts(
                # A NIfTI file says nothing of its modality and is kept as MR: whoever names the bundle vouches for it.
                modalities=frozenset(self.modalities) | (frozenset({"MR"}) if volumes else frozenset()),
                sop_classes=files | (frozenset({codes.NIFTI_FILE}) if volumes else frozenset()),
            ),
            queue=QUEUE,
            model=self.name,
            subject="series",
            revision=REVISION,
            title=self.title,
            exporters=("json", "sr", "seg") if volumes and self.task is Task.SEGMENTATION else ("json", "sr"),
            on_request=not self.automatic,
            parameters={
                "task": self.task.value,
                "trust": self.trust.value,
                "digest": self.digest,
                "modalities": "+".join(self.modalities),
            },
        )
