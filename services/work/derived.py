"""Takes the series that a pipeline made into its study, where other pipelines may read it.

Right after the result is saved, and by the scheduler for what a killed worker left: one transaction a result, and none
where its files are instances already.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.errors import BadInput, ModelError, NotFound
from pipelines.core.types import Artifact, Reading, Subject
from pipelines.imaging.dicom import DicomHeader, header_of, read_header
from services.log import logger
from services.store import audit, descent, outbox, received, studies, worklist
from services.store.descent import DERIVED_SERIES
from services.store.session import unit_of_work
from services.store.states import StudyState
from services.store.stores import Store
from services.store.tables import Result, Study
from services.work.bell import Rings
from services.work.facts import instance_facts, series_facts
from services.work.route import route_derived

log = logger("worker")
#: Who brings such a series.
SYSTEM: Final = "system"
#: Results that one sweep takes in at most: the scheduler has other duties.
ROUND: Final = 20


@dataclass(frozen=True, slots=True)
class _Made:
    """A file of a made series: its header and the blob that holds it."""

    header: DicomHeader
    sha256: str


def check(reading: Reading, subject: Subject) -> None:
    """Raise ModelError where the series that a pipeline made could not be taken into its study.

    Looked at before the result is saved: afterwards nobody is left to be told.
    """
    made = [artifact for artifact in reading.artifacts if artifact.kind == DERIVED_SERIES]
    headers = [_header(artifact) for artifact in made]
    own = {instance.study_instance_uid for instance in subject.instances}
    if {header.study_instance_uid for header in headers} - own:
        raise ModelError("the pipeline made a series of another study", code="bad_derived_series")
    if len({header.sop_instance_uid for header in headers}) < len(headers):
        raise ModelError("the pipeline made two images of one SOP Instance UID", code="bad_derived_series")
    if len({header.series_instance_uid for header in headers}) > 1:
        raise ModelError("the pipeline made more than one series", code="bad_derived_series")


def _header(artifact: Artifact) -> DicomHeader:
    try:
        return header_of(io.BytesIO(artifact.content), len(artifact.content))
    except BadInput as error:
        raise ModelError("the pipeline made an image that is no DICOM object", code="bad_derived_series") from error


def take_in(store: Store, bell: Rings, result_id: str) -> list[str]:
    """Make the series of a result part of its study and queue who reads it; returns the new jobs' ids.

    Harmless to repeat. Nothing that runs for the study is disturbed, and a closed study stays closed. Raises
    DatabaseUnavailable, NotFound where the bytes are gone.
    """
    with unit_of_work(store.database, writing=False) as session:
        digests = descent.files_left_out(session, result_id)
    if not digests:
        return []
    made = [_read(store, sha256) for sha256 in digests]
    with unit_of_work(store.database) as session:
        study_id = session.execute(select(Result.study_id).where(Result.id == result_id)).scalar_one()
        study = studies.lock_study(session, study_id)
        still = set(descent.files_left_out(session, result_id))
        return _write(session, bell, study, result_id, [one for one in made if one.sha256 in still])


def sweep(store: Store, bell: Rings, since: str = "") -> int:
    """Take in what was made and never came in, since its worker was killed in between; returns how many results.

    `since` leaves out results whose id is before it. A result whose files are lost or damaged is left and told of: it
    must not keep those behind it from their studies.
    """
    with unit_of_work(store.database, writing=False) as session:
        result_ids = descent.left_out(session, ROUND, since)
    return sum(_taken_in(store, bell, result_id) for result_id in result_ids)


def _taken_in(store: Store, bell: Rings, result_id: str) -> bool:
    try:
        take_in(store, bell, result_id)
    except (NotFound, BadInput) as error:
        log.error("series.lost", result=result_id, code=error.code)
        return False
    return True


def _read(store: Store, sha256: str) -> _Made:
    with store.blobs.local_path(sha256) as path:
        return _Made(read_header(path), sha256)


def _write(session: Session, bell: Rings, study: Study, result_id: str, made: Sequence[_Made]) -> list[str]:
    """The series' rows, and who reads it, for a study that the caller has locked."""
    if not made:  # the sweeper came first
        return []
    facts = replace(series_facts(made[0].header), derived_from=result_id)
    series = received.upsert_series(session, study.id, facts)
    received.add_instances(session, [(series.id, instance_facts(one.header, one.sha256)) for one in made])
    job_ids: list[str] = []
    if study.state == StudyState.COMPLETE:
        studies.close_series(session, series)
        session.flush()
        job_ids = route_derived(session, study.id, series.id, bell)
    audit.record(session, SYSTEM, "series.derived", study.id, result=result_id, series=series.id, images=len(made))
    outbox.emit(session, "study", study.id, {"study": study.id, "state": study.state, "jobs": job_ids})
    worklist.project(session, study.id)
    log.info("series.derived", result=result_id, series=series.id, images=len(made), jobs=len(job_ids))
    return job_ids
