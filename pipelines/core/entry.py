"""What a registry says of a pipeline, and the rule by which a subject is routed to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.core.types import InstanceFile


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

    def taken_of(self, instances: Iterable[InstanceFile]) -> list[InstanceFile]:
        """The files among those of an accepted subject that are to be read, in their order."""
        return [each for each in instances if self.takes(each.modality, each.sop_class_uid)]


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
    exporters: tuple[str, ...] = field(default=("json", "sr", "secondary_capture"))
    on_request: bool = False  # runs only for a sender who names it, beside the pipelines that answer by themselves
    is_internal: bool = False  # for the system's own tests: nobody is offered it
    is_warm: bool = False  # loaded before its first job: where a reading takes less time than loading
    parameters: Mapping[str, str] = field(default_factory=dict)  # tells entries of one class apart
    soft_seconds: float | None = None  # a job is asked to stop after this; None: as the settings say
    hard_seconds: float | None = None  # a job's process is ended after this; None: as the settings say
