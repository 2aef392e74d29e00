"""A job's subject: its instances as local files, for as long as they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from pipelines.core.types import InstanceFile, Laterality, Subject
from services.store.leases import Claim
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Instance, Job, JobInput, Patient, Series, Slot, Study
from services.work.facts import UNIDENTIFIED

Row = tuple[Instance, Series, str, Patient]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a job reads: the kind of its subject, and its instances with what is known of each, in their fixed order."""

    kind: str
    rows: tuple[Row, ...]


def inputs_of(store: Store, claims: Sequence[Claim]) -> dict[str, Inputs]:
    """The inputs of several jobs, by the job's id, asked for together."""
    ids = [claim.job_id for claim in claims]
    inputs = (
        select(JobInput.job_id, Instance, Series, Study.study_instance_uid, Patient)
        .join(Instance, JobInput.instance_id == Instance.id)
        .join(Series, Series.id == Instance.series_id)
        .join(Study, Study.id == Series.study_id)
        .join(Patient, Patient.id == Study.patient_id)
        .where(JobInput.job_id.in_(ids))
        .order_by(JobInput.job_id, JobInput.position)
    )
    kinds = select(Job.id, Slot.subject_kind).join(Slot, Slot.id == Job.slot_id).where(Job.id.in_(ids))
    with unit_of_work(store.database, writing=False) as session:
        rows = session.execute(inputs).all()
        kind_of = {row[0]: row[1] for row in session.execute(kinds)}
    own: dict[str, list[Row]] = {job_id: [] for job_id in kind_of}
    for row in rows:
        own[row[0]].append((row[1], row[2], row[3], row[4]))
    return {job_id: Inputs(kind, tuple(own[job_id])) for job_id, kind in kind_of.items()}


@contextmanager
def opened(store: Store, inputs: Inputs) -> Iterator[Subject]:
    """A job's instances as local files for the time of the block; raises NotFound where the bytes of one are gone."""
    with ExitStack() as files:
        own = (
            instance_file(files.enter_context(store.blobs.local_path(row[0].blob_sha256)), *row) for row in inputs.rows
        )
        yield Subject(inputs.kind, tuple(own))


@contextmanager
def materialised(store: Store, claim: Claim) -> Iterator[Subject]:
    """The job's instances as local files for the time of the block, in the order fixed when the job was made."""
    with opened(store, inputs_of(store, [claim])[claim.job_id]) as subject:
        yield subject


def instance_file(
    path: Path, instance: Instance, series: Series, study_instance_uid: str, patient: Patient
) -> InstanceFile:
    """A stored instance as a pipeline sees it; its bytes lie at `path`."""
    return InstanceFile(
        path=path,
        sha256=instance.blob_sha256,
        sop_instance_uid=instance.sop_instance_uid,
        sop_class_uid=instance.sop_class_uid,
        modality=series.modality,
        series_instance_uid=series.series_instance_uid,
        study_instance_uid=study_instance_uid,
        laterality=Laterality(instance.laterality) if instance.laterality else None,
        instance_number=instance.instance_number,
        patient_id=None if patient.issuer == UNIDENTIFIED else patient.patient_id,
    )
