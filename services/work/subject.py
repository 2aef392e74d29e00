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
from services.store.tables import Instance, JobInput, Series, Slot, Study


@contextmanager
def materialised(store: Store, claim: Claim) -> Iterator[Subject]:
    """The job's instances as local files for the time of the block, in the order fixed when the job was made."""
    inputs = (
        select(Instance, Series, Study.study_instance_uid)
        .join(JobInput, JobInput.instance_id == Instance.id)
        .join(Series, Series.id == Instance.series_id)
        .join(Study, Study.id == Series.study_id)
        .where(JobInput.job_id == claim.job_id)
        .order_by(JobInput.position)
    )
    with unit_of_work(store.database, writing=False) as session:
        rows = session.execute(inputs).all()
        kind = session.execute(select(Slot.subject_kind).where(Slot.id == claim.slot_id)).scalar_one()
    with ExitStack() as opened:
        files = (
            _file(opened.enter_context(store.blobs.local_path(instance.blob_sha256)), instance, series, study_uid)
            for instance, series, study_uid in rows
        )
        yield Subject(kind, tuple(files))


def _file(path: Path, instance: Instance, series: Series, study_instance_uid: str) -> InstanceFile:
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
    )
