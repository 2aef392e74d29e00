"""The pipelines there are: name -> what each accepts, where it runs and which class it is; nothing is loaded here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from pipelines.core.errors import NotFound

if TYPE_CHECKING:
    from pipelines.pipeline import AnyPipeline

#: PS3.4 Annex B.5, Table B.5-1: Storage SOP Classes that may hold a colour fundus photograph.
FUNDUS_SOP_CLASSES: Final = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.77.1.5.1",  # Ophthalmic Photography 8 Bit Image
        "1.2.840.10008.5.1.4.1.1.77.1.5.2",  # Ophthalmic Photography 16 Bit Image
        "1.2.840.10008.5.1.4.1.1.77.1.4",  # VL Photographic Image: what some table-top cameras send
        "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture Image: what older fundus cameras send with modality OP
    }
)


@dataclass(frozen=True, slots=True)
class SubjectHeader:
    """What routing may know of a subject: its kind and which sorts of instances it holds."""

    kind: str
    modalities: frozenset[str]
    sop_class_uids: frozenset[str]
    instances: int


@dataclass(frozen=True, slots=True)
class Accepts:
    """A rule, as an object, for the subjects a pipeline can read."""

    modalities: frozenset[str]
    sop_classes: frozenset[str]
    min_instances: int = 1

    def matches(self, subject: SubjectHeader) -> bool:
        """Whether the subject holds at least `min_instances` instances, some of an accepted modality and SOP class."""
        return (
            subject.instances >= self.min_instances
            and not self.modalities.isdisjoint(subject.modalities)
            and not self.sop_classes.isdisjoint(subject.sop_class_uids)
        )

    def reason(self, subject: SubjectHeader) -> str:
        """Why a subject does not match, as half a sentence for a person; empty where it does."""
        if self.matches(subject):
            return ""
        if self.modalities.isdisjoint(subject.modalities):
            held = ", ".join(sorted(subject.modalities)) or "no modality"
            return f"it reads {', '.join(sorted(self.modalities))}, the {subject.kind} holds {held}"
        if self.sop_classes.isdisjoint(subject.sop_class_uids):
            return f"the {subject.kind} holds no image of a SOP class it reads"
        return f"it needs at least {self.min_instances} instances, the {subject.kind} holds {subject.instances}"

    def takes(self, modality: str, sop_class_uid: str) -> bool:
        """Whether one instance of an accepted subject is among those to read."""
        return modality in self.modalities and sop_class_uid in self.sop_classes


@dataclass(frozen=True, slots=True)
class Entry:
    """One pipeline: `subject` is what one job reads, `revision` counts changes that make results worth repeating."""

    name: str
    class_path: str
    accepts: Accepts
    queue: str
    model: str
    subject: str
    revision: int
    title: str
    auto_deliver: bool = False
    exporters: tuple[str, ...] = field(default=("json", "sr", "secondary_capture"))


ENTRIES: Final[Mapping[str, Entry]] = {
    "retinopathy": Entry(
        name="retinopathy",
        class_path="pipelines.retinopathy:Retinopathy",
        accepts=Accepts(modalities=frozenset({"OP"}), sop_classes=FUNDUS_SOP_CLASSES),
        queue="retinopathy",
        model="fundus_dr_grading",
        subject="study",
        revision=1,
        title="Diabetic retinopathy in fundus photographs",
    ),
}


def entry(name: str) -> Entry:
    """The entry of this name; raises NotFound where there is none."""
    try:
        return ENTRIES[name]
    except KeyError:
        raise NotFound(f"there is no pipeline of this name; there are: {', '.join(sorted(ENTRIES))}") from None


def resolve(entry: Entry, model_folder: Path) -> AnyPipeline:
    """Import the entry's class and build it on the bundle in `model_folder`; for worker and command line only.

    Raises WeightsRefused or ModelError from the bundle.
    """
    module, _, name = entry.class_path.partition(":")
    made = getattr(import_module(module), name)(model_folder, entry)
    return cast("AnyPipeline", made)
