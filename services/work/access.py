"""Opening what belongs to a patient: who looked at what is in the audit before anything is handed out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.errors import BytesRemoved, NotFound, Withheld
from services.store import audit, reviews, search, shown, studies
from services.store.blind import reads_blind, withheld_slots
from services.store.current import is_shown, open_proposal
from services.store.descent import DERIVED_SERIES
from services.store.session import unit_of_work
from services.store.signatures import Standing, standing_of
from services.store.states import JobRole
from services.store.stores import Store
from services.store.studies import StudyTree
from services.store.tables import (
    ArtifactRow,
    Blob,
    CurrentResult,
    Instance,
    Job,
    Patient,
    Result,
    Review,
    Series,
    User,
    WorklistRow,
)
from services.work.priors import Prior, priors_of
from services.work.slots import PICTURES, OpenedSlot, open_slots
from services.work.volumes import SeriesFiles


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks, how long one look at a study counts (seconds), and the person behind it (None: the system)."""

    actor: str
    counts_seconds: float
    reader: str | None


@dataclass(frozen=True, slots=True)
class ShownResult:
    """A result and where it stands in its slot."""

    result: Result
    artifacts: Sequence[ArtifactRow]
    current: bool
    proposed: bool


@dataclass(frozen=True, slots=True)
class ShownReview:
    """A review, its author's name, whether it is the signature that counts, and whether it is the newest signature."""

    review: Review
    reader: str
    standing: bool
    newest: bool


@dataclass(frozen=True, slots=True)
class OpenedStudy:
    """Everything of a study that this looker may see, newest jobs and results first.

    `marks` are its lines that a batch found changed. Of a slot that is withheld there are neither results nor reviews
    nor marks; `slots` says which those are.
    """

    tree: StudyTree
    jobs: Sequence[Job]
    results: Sequence[ShownResult]
    reviews: Sequence[ShownReview]
    marks: Sequence[WorklistRow]
    slots: Sequence[OpenedSlot]

    @property
    def withheld(self) -> frozenset[str]:
        """Ids of the slots that this looker reads blind still."""
        return frozenset(one.slot.id for one in self.slots if one.withheld)


def open_study(store: Store, looker: Looker, study_id: str) -> OpenedStudy:
    """A study with all that belongs to it, but what a shadow reads; raises NotFound."""
    with unit_of_work(store.database, writing=False) as session:
        tree = studies.study_tree(session, study_id)
        of_study = select(Job).where(Job.study_id == study_id, Job.role != JobRole.SHADOW)
        jobs = session.scalars(of_study.order_by(Job.id.desc())).all()
        slots = open_slots(session, looker.reader, study_id)
        told = [one.slot.id for one in slots if not one.withheld]
        found = session.scalars(select(Result).where(Result.slot_id.in_(told)).order_by(Result.id.desc())).all()
        rows = [row for row in found if is_shown(session, row)]
        results = _all_shown(session, rows)
        words = [word for slot_id in dict.fromkeys(row.slot_id for row in rows) for word in _words(session, slot_id)]
        marked = select(WorklistRow).where(WorklistRow.slot_id.in_(told), WorklistRow.change.is_not(None))
        marks = session.scalars(marked.order_by(WorklistRow.id)).all()
    leave_trace(store, looker, "study.opened", study_id, told={row.slot_id for row in rows})
    return OpenedStudy(tree, jobs, results, words, marks, slots)


def open_result(store: Store, looker: Looker, result_id: str) -> ShownResult:
    """A result; raises NotFound, Withheld."""
    with unit_of_work(store.database, writing=False) as session:
        (opened,) = _all_shown(session, [told_result(session, looker, result_id)])
    trace_of_result(store, looker, opened.result)
    return opened


def open_reviews(store: Store, looker: Looker, result_id: str) -> list[ShownReview]:
    """All reviews of the result's slot, in the order they were written; raises NotFound, Withheld."""
    with unit_of_work(store.database, writing=False) as session:
        result = told_result(session, looker, result_id)
        words = _words(session, result.slot_id)
    trace_of_result(store, looker, result)
    return words


def open_artifact(store: Store, looker: Looker, result_id: str, name: str) -> ArtifactRow:
    """A result's file; raises NotFound, BytesRemoved, Withheld unless it is the picture to be read itself."""
    with unit_of_work(store.database, writing=False) as session:
        result = _result(session, result_id)
        artifact = session.scalar(
            select(ArtifactRow).where(ArtifactRow.result_id == result_id, ArtifactRow.name == name)
        )
        if (artifact is None or artifact.kind not in PICTURES) and reads_blind(session, looker.reader, result.slot_id):
            raise Withheld  # before it is said that there is no such file: the names of files tell, too
        if artifact is None:
            raise NotFound("the result has no artifact of this name")
        must_be_kept(session, result.study_id, artifact.blob_sha256)
    told = () if artifact.kind in PICTURES else (result.slot_id,)
    leave_trace(store, looker, "artifact.opened", result.study_id, told=told, artifact=artifact.id)
    return artifact


def open_instance(store: Store, looker: Looker, instance_id: str) -> Instance:
    """An image; raises NotFound, BytesRemoved, Withheld."""
    with unit_of_work(store.database, writing=False) as session:
        found = session.execute(
            select(Instance, Series.study_id).join(Series).where(Instance.id == instance_id)
        ).one_or_none()
        if found is None:
            raise NotFound("there is no image of this id")
        instance, study_id = found
        told = _must_be_told(session, looker, [instance])
        must_be_kept(session, study_id, instance.blob_sha256)
    leave_trace(store, looker, "image.opened", study_id, told=told, instance=instance_id)
    return instance


def open_series(store: Store, looker: Looker, series_id: str) -> SeriesFiles:
    """A series with the instances that count; raises NotFound, BytesRemoved, Withheld."""
    with unit_of_work(store.database, writing=False) as session:
        series = session.get(Series, series_id)
        if series is None:
            raise NotFound("there is no series of this id")
        study = studies.get_study(session, series.study_id)
        instances = [one for one in studies.study_instances(session, study.id) if one.series_id == series_id]
        told = _must_be_told(session, looker, instances)
        for instance in instances:
            must_be_kept(session, study.id, instance.blob_sha256)
        patient = session.get_one(Patient, study.patient_id)
    leave_trace(store, looker, "series.opened", study.id, told=told, series=series_id)
    return SeriesFiles(series, study.study_instance_uid, patient, tuple(instances))


def open_priors(store: Store, looker: Looker, study_id: str) -> Sequence[Prior]:
    """The patient's earlier studies with what readers signed of them, newest first; raises NotFound."""
    with unit_of_work(store.database, writing=False) as session:
        earlier = priors_of(session, study_id)
    leave_trace(store, looker, "priors.opened", study_id)
    return earlier


def search_for(store: Store, actor: str, words: str) -> Sequence[str]:
    """Ids of the studies whose text holds every word, newest first; the search leaves a trace, its words do not."""
    with unit_of_work(store.database) as session:
        found = search.search_studies(session, words)
        audit.record(session, actor, "studies.searched", found=len(found))
    return found


def _all_shown(session: Session, results: Sequence[Result]) -> list[ShownResult]:
    """Each with its files and where it stands, asked for together."""
    of_all = select(ArtifactRow).where(ArtifactRow.result_id.in_([result.id for result in results]))
    files: dict[str, list[ArtifactRow]] = defaultdict(list)
    for artifact in session.scalars(of_all.order_by(ArtifactRow.name)):
        files[artifact.result_id].append(artifact)
    slots = sorted({result.slot_id for result in results})
    pointers = {
        one.slot_id: one for one in session.scalars(select(CurrentResult).where(CurrentResult.slot_id.in_(slots)))
    }
    shown = []
    for result in results:
        pointer = pointers.get(result.slot_id)
        is_proposed = pointer is not None and pointer.proposed_result_id == result.id
        shown.append(
            ShownResult(
                result,
                files[result.id],
                current=pointer is not None and pointer.result_id == result.id,
                proposed=is_proposed and open_proposal(pointer, standing_of(session, result.slot_id)) is not None,
            )
        )
    return shown


def shown_review(review: Review, reader: str, stands: Standing) -> ShownReview:
    """A review as it stands in its slot."""
    return ShownReview(review, reader, standing=review is stands.review, newest=review is stands.newest)


def _words(session: Session, slot_id: str) -> list[ShownReview]:
    history = reviews.of_slot(session, slot_id)
    stands = standing_of(session, slot_id)
    readers = session.scalars(select(User).where(User.id.in_(sorted({word.user_id for word in history}))))
    names = {reader.id: reader.name for reader in readers}
    return [shown_review(word, names[word.user_id], stands) for word in history]


def _result(session: Session, result_id: str) -> Result:
    result = session.get(Result, result_id)
    if result is None:
        raise NotFound("there is no result of this id")
    return result


def told_result(session: Session, looker: Looker, result_id: str) -> Result:
    """A result that this looker may see; raises NotFound, Withheld."""
    result = _result(session, result_id)
    if reads_blind(session, looker.reader, result.slot_id):
        raise Withheld
    return result


def _must_be_told(session: Session, looker: Looker, instances: Sequence[Instance]) -> Sequence[str]:
    """The slots that images tell of: objects that we made (a captured heat-map, a report), sent back by an archive.

    Raises Withheld.
    """
    wanted = sorted({one.blob_sha256 for one in instances})
    made = (
        select(Result.slot_id)
        .join(ArtifactRow, ArtifactRow.result_id == Result.id)
        .where(ArtifactRow.blob_sha256.in_(wanted), ArtifactRow.kind.not_in([*PICTURES, DERIVED_SERIES]))
    )
    told = session.scalars(made.distinct()).all()
    if withheld_slots(session, looker.reader, told):
        raise Withheld
    return told


def must_be_kept(session: Session, study_id: str, sha256: str) -> None:
    """Raises BytesRemoved where retention has removed these bytes, or the study they were of."""
    blob = session.get(Blob, sha256)
    # Bytes that an erased study shared with another stay for that one alone.
    if blob is None or blob.removed_at is not None or studies.get_study(session, study_id).erased_at is not None:
        raise BytesRemoved


def trace_of_result(store: Store, looker: Looker, result: Result) -> None:
    """Commit the look at a machine's answer; see `leave_trace`."""
    leave_trace(store, looker, "result.opened", result.study_id, told=(result.slot_id,), result=result.id)


def leave_trace(
    store: Store, looker: Looker, action: str, study_id: str, *, told: Collection[str] = (), **subjects: str
) -> None:
    """Commit the look; the caller hands out nothing before this has returned. `told`: the slots whose answer it shows.

    That an answer was shown is written down once a person and slot, however short ago the last look was: a blind word
    after it is none.
    """
    with unit_of_work(store.database, writing=False) as session:
        # A page opens many pictures of one study: only the first look has to wait for the one writer of SQLite.
        is_known = audit.was_seen(session, looker.actor, action, study_id, looker.counts_seconds)
        if is_known and not shown.new_to(session, looker.reader, told):
            return
    with unit_of_work(store.database) as session:
        audit.record_access(session, looker.actor, action, study_id, looker.counts_seconds, **subjects)
        shown.note(session, looker.actor, looker.reader, study_id, told)
