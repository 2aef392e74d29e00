"""An archive of fundus photographs that an older model has read: real pixels, one a study, with rows as intake's."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import skimage.data
from sqlalchemy.orm import Session

from pipelines.core.receipt import digest
from pipelines.core.types import Laterality
from pipelines.imaging.photograph import PhotographIdentity
from pipelines.imaging.wrap import wrap
from services.store import jobs, received, worklist
from services.store.blobs import Published
from services.store.clock import utcnow
from services.store.current import point
from services.store.ids import new_id
from services.store.jobs import NewJob
from services.store.received import InstanceFacts, PatientFacts, SeriesFacts, StudyFacts
from services.store.session import unit_of_work
from services.store.states import JobState, Priority, SeriesState, StudyState
from services.store.stores import Store
from services.store.tables import Job, Result

#: 3.1 megapixels, between a hand-held camera's picture and a table-top one's; width, height, quality of the JPEG.
SIZE: Final = (2048, 1536)
JPEG_QUALITY: Final = 88
#: Photographs with pixels of their own; the files of all studies differ, so that nothing is read once for two.
DISTINCT: Final = 256
GROUP: Final = 50
#: The studies of part n were taken n days after this one, so that a batch can ask for one part.
FIRST_DAY: Final = date(2026, 1, 1)
#: Every so many studies the older model said something else.
CHANGED_EVERY: Final = 10
OLDER_VERSION: Final = "0.9.0"
_UID_DIGITS: Final = 8  # of an instance's UID that are its number


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A photograph as a DICOM file, and the UID in it that each study's copy replaces."""

    content: bytes
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax: str


def make_archive(store: Store, parts: list[int], document: Mapping[str, Any]) -> None:
    """Fill a store with studies, so many for each part; `document` (JSON) is what the older model said of each."""
    with tempfile.TemporaryDirectory() as folder:
        distinct = list(photographs(min(DISTINCT, sum(parts)), Path(folder)))
        number = 0
        for part, count in enumerate(parts):
            for first in range(0, count, GROUP):
                numbers = range(number + first, number + min(first + GROUP, count))
                _add_group(store, numbers, FIRST_DAY + timedelta(days=part), distinct, document, Path(folder))
            number += count


def photographs(count: int, folder: Path) -> Iterator[Wrapped]:
    """The real retina that scikit-image ships, moved about in its frame, with a sensor's noise, as DICOM files."""
    width, height = SIZE
    retina = cv2.imread(str(Path(skimage.data.__file__).parent / "retina.jpg"))
    if retina is None:
        raise FileNotFoundError("scikit-image ships no retina.jpg")
    side = height - 64
    retina = cv2.resize(retina, (side, side), interpolation=cv2.INTER_AREA).astype(np.int16)
    noise = np.random.default_rng(0)
    for number in range(count):
        canvas = np.zeros((height, width, 3), np.int16)
        top, left = int(noise.integers(0, height - side)), int(noise.integers(0, width - side))
        canvas[top : top + side, left : left + side] = retina
        # A smooth picture would make a smaller file and decode faster than a camera's.
        canvas += noise.integers(-6, 7, (height, width, 1), dtype=np.int16)
        jpeg, dicom = folder / "photograph.jpg", folder / "photograph.dcm"
        cv2.imwrite(str(jpeg), canvas.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        made = wrap(jpeg, dicom, PhotographIdentity(f"BENCHMARK-{number}", "2.25.1", Laterality.LEFT))
        yield Wrapped(dicom.read_bytes(), made.sop_instance_uid, made.sop_class_uid, made.transfer_syntax)


def _add_group(
    store: Store, numbers: range, day: date, distinct: list[Wrapped], document: Mapping[str, Any], folder: Path
) -> None:
    files, copies = [], {}
    for number in numbers:
        photograph = distinct[number % len(distinct)]
        uid = photograph.sop_instance_uid[:-_UID_DIGITS] + f"{number + 1:0{_UID_DIGITS}d}"
        content = photograph.content.replace(photograph.sop_instance_uid.encode(), uid.encode())
        sha256 = hashlib.sha256(content).hexdigest()
        path = folder / sha256
        path.write_bytes(content)
        files.append((path, sha256, "application/dicom"))
        copies[number] = (photograph, uid)
    published = store.blobs.publish_many(files)
    with unit_of_work(store.database) as session:
        store.blobs.record(session, *published)
        for number, blob in zip(numbers, published, strict=True):
            photograph, uid = copies[number]
            facts = InstanceFacts(
                uid, photograph.sop_class_uid, photograph.transfer_syntax, blob.sha256, laterality="L"
            )
            _add_study(session, store, number, day, facts, blob, document)


def _add_study(
    session: Session,
    store: Store,
    number: int,
    day: date,
    facts: InstanceFacts,
    blob: Published,
    document: Mapping[str, Any],
) -> None:
    patient = received.upsert_patient(session, store.site_id, PatientFacts("benchmark", f"BENCHMARK-{number}"))
    study = received.upsert_study(session, store.site_id, patient.id, StudyFacts(f"{facts.sop_instance_uid}.1"[-64:]))
    series = received.upsert_series(session, study.id, SeriesFacts(f"{facts.sop_instance_uid}.2"[-64:], "OP"))
    instance = received.add_instance(session, series.id, facts).instance
    study.state, study.study_date, series.state = StudyState.COMPLETE, day, SeriesState.CLOSED
    slot_id = jobs.slot_for(session, study.id, "study", study.id, "retinopathy")
    job = jobs.add_job(
        session,
        NewJob(
            key=digest(["benchmark", blob.sha256]),
            slot_id=slot_id,
            study_id=study.id,
            pipeline="retinopathy",
            pipeline_revision=1,
            model_version_id=None,
            queue="retinopathy",
            priority=Priority.ROUTINE,
            instance_ids=[instance.id],
        ),
    )
    row = session.get_one(Job, job.id)
    row.state, row.finished_at = JobState.SUCCEEDED, utcnow()
    point(session, slot_id, _older_result(session, job.id, slot_id, study.id, number, document))
    worklist.project(session, study.id)


def _older_result(
    session: Session, job_id: str, slot_id: str, study_id: str, number: int, document: Mapping[str, Any]
) -> str:
    model = dict(document["model"]) | {"version": OLDER_VERSION}
    findings = [dict(finding) for finding in document["findings"]]
    if number % CHANGED_EVERY == 0:
        findings = [each | {"value": 3} if each["label"] == "dr_grade" else each for each in findings]
    result = Result(
        id=new_id(),
        job_id=job_id,
        slot_id=slot_id,
        study_id=study_id,
        pipeline="retinopathy",
        role="live",
        model_name=model["name"],
        model_version=model["version"],
        model_sha256=model["sha256"],
        receipt_digest=document["receipt"]["digest"],
        abstained=document["abstained"],
        urgency=document["urgency"],
        document={**document, "model": model, "findings": findings},
    )
    session.add(result)
    session.flush()
    return result.id
