"""A job's subject: its instances as local files, for as long as they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import select

from pipelines.core.types import InstanceFile, Laterality, Subject
from services.store.jobs import Claim
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Instance, JobInput, Patient, Series, Slot, Study
from services.work.facts import UNIDENTIFIED


@contextmanager
def materialised(store: Store, claim: Claim) -> Iterator[Subject]:
    """The job's instances as local files for the time of the block, in the order fixed when the job was made."""
    inputs = (
        select(Instance, Series, Study.study_instance_uid, Patient)
        .join(JobInput, JobInput.instance_id == Instance.id)
        .join(Series, Series.id == Instance.series_id)
        .join(Study, Study.id == Series.study_id)
        .join(Patient, Patient.id == Study.patient_id)
        .where(JobInput.job_id == claim.job_id)
        .order_by(JobInput.position)
    )
    with unit_of_work(store.database, writing=False) as session:
        rows = session.execute(inputs).all()
        kind = session.execute(select(Slot.subject_kind).where(Slot.id == claim.slot_id)).scalar_one()
    with ExitStack() as opened:
        files = (instance_file(opened.enter_context(store.blobs.local_path(row[0].blob_sha256)), *row) for row in rows)
        yield Subject(kind, tuple(files))


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
