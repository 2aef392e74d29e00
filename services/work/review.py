"""A reader's word on a result: checked, appended, and carried to the pointer, worklist, audit and events at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipelines.core.errors import BadReview, Conflict, NotFound, ReviewConflict
from pipelines.core.labels import Label, Measure, labels_of
from services.store import audit, outbox, reviews, users, worklist
from services.store.blind import reads_blind
from services.store.current import is_shown, open_proposal
from services.store.reviews import SIGNING, NewReview
from services.store.session import unit_of_work
from services.store.signatures import Standing, standing_of
from services.store.states import JobRole, ReviewAction, Verdict
from services.store.stores import Store
from services.store.studies import lock_study
from services.store.tables import CurrentResult, Job, Result, Review, ReviewMask, User
from services.work.access import ShownReview, shown_review
from services.work.reasons import REASONS
from services.work.second import ask
from services.work.signing import check_action, check_undo

MAX_COMMENT: Final = 10_000
#: By so much a proposal that its signature did not see counts as younger: the finest step of SQLite's clock here.
YOUNGER: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class EditedFinding:
    """A finding as a reader corrects it; `laterality` R, L, B or None for the patient."""

    label: str
    value: float | int | str | None
    laterality: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """What a reader says of a result."""

    action: ReviewAction
    verdict: Verdict | None = None
    reason: str | None = None
    findings: tuple[EditedFinding, ...] = ()
    comment: str | None = None
    base_review_id: str | None = None
    mask_id: str | None = None  # the outline, as a reader corrected it, that an edit goes with
    seen_result_ids: Collection[str] | None = None  # what its reader was shown; None: whatever is known by then


def review(store: Store, actor: str, user_id: str, result_id: str, word: Word, *, grace_seconds: float) -> ShownReview:
    """Append a reader's word; `actor` goes to the audit, `user_id` is the person who answers for it.

    A signature younger than `grace_seconds` may be taken back. The first signature of a slot asks for a second reader
    where a rule says so.

    Raises NotFound, ReviewConflict where `base_review_id` is not the slot's newest review, BadReview where the word
    does not fit, Forbidden and Conflict where the action is not this reader's or has nothing to act on.
    """
    try:
        with unit_of_work(store.database) as session:
            result = _reviewable(session, result_id)
            lock_study(session, result.study_id)  # the study first, as everywhere: two orders would be a deadlock
            users.must_still_sign(session, user_id)
            if reads_blind(session, user_id, result.slot_id):
                raise Conflict("say first what you see without the machine's answer", code="blind_read_first")
            history = reviews.of_slot(session, result.slot_id)
            if word.base_review_id != (history[-1].id if history else None):
                raise ReviewConflict
            before = standing_of(session, result.slot_id)
            _check(session, word, user_id, result, before, grace_seconds)
            unseen = _unseen(session, word, result, before)
            row = reviews.add(session, result.slot_id, _row(word, user_id, result))
            ask(session, actor, result, row, standing_of(session, result.slot_id))
            stands = standing_of(session, result.slot_id)
            _point(session, result.slot_id, stands.newest, row, unseen)
            _tell(session, actor, result, row, unseen)
            return shown_review(row, session.get_one(User, user_id).name, stands)
    except IntegrityError as error:
        raise ReviewConflict from error  # two writers took one number: the unique key saw it


def _reviewable(session: Session, result_id: str) -> Result:
    result = session.get(Result, result_id)
    if result is None:
        raise NotFound("there is no result of this id")
    if not is_shown(session, result):
        raise Conflict("a shadow result is not shown to patients' readers and takes no review", code="shadow_result")
    return result


def _check_shown(session: Session, result: Result) -> None:
    """A reader decides on the answer or on the proposed change, never on what a newer result has replaced."""
    # Afresh: what was asked of it before the study was locked may have moved meanwhile.
    pointer = session.get(CurrentResult, result.slot_id, populate_existing=True)
    shown = {pointer.result_id, pointer.proposed_result_id} if pointer else set()
    if result.id not in shown:
        raise Conflict("a newer result has replaced this one; read that one", code="superseded")


def _unseen(session: Session, word: Word, result: Result, before: Standing) -> str | None:
    """The proposal that waits for a reader and that this signature's reader was not shown: it goes on waiting."""
    if word.seen_result_ids is None or word.action not in SIGNING:
        return None
    waiting = open_proposal(session.get(CurrentResult, result.slot_id, populate_existing=True), before)
    return None if waiting == result.id or waiting in word.seen_result_ids else waiting


def _check(session: Session, word: Word, user_id: str, result: Result, stands: Standing, grace_seconds: float) -> None:
    """Raise where the word, or its writer, does not fit what stands."""
    if word.action is ReviewAction.UNDO:
        check_undo(session, user_id, stands, grace_seconds)
        if word.verdict is not None or word.findings or word.mask_id is not None:
            raise BadReview("taking a signature back carries no verdict, no findings and no outline")
        return
    check_action(word.action, user_id, result, stands)
    _check_shown(session, result)
    _check_word(word, result)
    _check_mask(session, word, result)


def _check_word(word: Word, result: Result) -> None:
    if word.verdict is None and word.action in SIGNING:
        raise BadReview("a signature needs a verdict: accept, edit or reject")
    if word.reason is not None:
        reason = REASONS.get(word.reason)
        if reason is None:
            raise BadReview("there is no reason of this code; GET /api/v1/reasons lists them", code="unknown_reason")
        if word.verdict is not None and word.verdict not in reason.verdicts:
            raise BadReview("this reason does not go with this verdict", code="unknown_reason")
    elif word.verdict is Verdict.REJECT and word.action in SIGNING:
        raise BadReview("a rejection needs a coded reason", code="reason_required")
    if word.findings and word.verdict is not Verdict.EDIT:
        raise BadReview("only the verdict `edit` carries findings")
    if word.verdict is Verdict.EDIT and not word.findings and word.action in SIGNING:
        raise BadReview("the verdict `edit` needs the findings as they should be")
    check_findings(word.findings, result)


def _labels(result: Result) -> Mapping[str, Label]:
    return labels_of(result.pipeline, result.document["findings"])


def _check_mask(session: Session, word: Word, result: Result) -> None:
    if word.mask_id is None:
        return
    mask = session.get(ReviewMask, word.mask_id)
    if mask is None or mask.result_id != result.id:
        raise BadReview("this result has no corrected outline of this id", code="unknown_mask")
    if word.verdict is not Verdict.EDIT:
        raise BadReview("only the verdict `edit` goes with a corrected outline")


def check_findings(findings: Sequence[EditedFinding], result: Result) -> None:
    """Raise BadReview where one of a reader's findings is none that the result's pipeline speaks of."""
    labels = _labels(result)
    seen: set[tuple[str, str | None]] = set()
    for finding in findings:
        label = labels.get(finding.label)
        if label is None:
            known = ", ".join(sorted(labels))
            raise BadReview(f"findings of {result.pipeline} have the labels {known}", code="unknown_label")
        if not label.accepts(finding.value):
            raise BadReview(f"{finding.label} is {label.rule}", code="bad_finding_value")
        if (finding.label, finding.laterality) in seen:
            raise BadReview(f"{finding.label} is given twice for one side", code="bad_finding_value")
        seen.add((finding.label, finding.laterality))


def _row(word: Word, user_id: str, result: Result) -> NewReview:
    return NewReview(
        result_id=result.id,
        user_id=user_id,
        action=word.action,
        verdict=word.verdict,
        reason=word.reason,
        findings=as_findings(word.findings, result),
        comment=word.comment,
        base_review_id=word.base_review_id,
        mask_id=word.mask_id,
    )


def as_findings(findings: Sequence[EditedFinding], result: Result) -> tuple[dict[str, object], ...]:
    """A reader's findings as JSON objects with the codes and units of the result's pipeline."""
    labels = _labels(result) if findings else {}
    return tuple(_finding(finding, labels[finding.label]) for finding in findings)


def _finding(finding: EditedFinding, label: Label) -> dict[str, object]:
    code = label.code
    return {
        "code": {"scheme": code.scheme, "value": code.value, "meaning": code.meaning},
        "label": finding.label,
        "value": finding.value,
        "unit": label.unit if isinstance(label, Measure) else None,
        "laterality": finding.laterality,
    }


def _point(session: Session, slot_id: str, signed: Review | None, word: Review, unseen: str | None) -> None:
    """Let the slot's pointer say what is current now.

    A signed result is the answer until a reader signs another; what came after it is only proposed, and stays known
    where the signature was made beside it and settled it (`open_proposal`). Without a standing signature the newest of
    a study's own readings is the answer, as it was before anyone signed, and what a batch found is only proposed. What
    the word's reader was not shown (`unseen`) is proposed as if it came after the word.
    """
    pointer = session.get(CurrentResult, slot_id, populate_existing=True)
    if pointer is None:
        return
    known = {each for each in (pointer.result_id, pointer.proposed_result_id) if each is not None}
    newest = max(known)  # ULIDs: the greater is the younger
    if signed is not None:
        current, proposed = signed.result_id, newest if newest > signed.result_id else None
        if current == pointer.result_id:
            proposed = pointer.proposed_result_id
    else:
        own = max(_live(session, slot_id, known), default=pointer.result_id)
        current, proposed = own, newest if newest > own else None
    if (pointer.result_id, pointer.proposed_result_id) != (current, proposed):
        pointer.result_id, pointer.proposed_result_id, pointer.updated_at = current, proposed, word.created_at
    if unseen is not None and unseen == proposed:
        pointer.updated_at = word.created_at + YOUNGER
    session.flush()


def _live(session: Session, slot_id: str, known: set[str]) -> list[str]:
    """Those of the known results that a study's own reading gave; where none is, the newest such one of the slot."""
    # The job's role and not the result's: a study may have come to wait for what a batch had asked.
    read = select(Result.id).join(Job, Job.id == Result.job_id).where(Job.role == JobRole.LIVE)
    found = read.where(Result.slot_id == slot_id).order_by(Result.id.desc())
    shown = list(session.scalars(found.where(Result.id.in_(known))))
    return shown or list(session.scalars(found.limit(1)))


def _tell(session: Session, actor: str, result: Result, row: Review, unseen: str | None) -> None:
    subjects = {"result": result.id, "review": row.id}
    if unseen is not None:
        subjects["not_seen"] = unseen
    if row.verdict is not None:
        subjects["verdict"] = row.verdict
    audit.record(session, actor, f"review.{row.action}", result.study_id, **subjects)
    outbox.emit(
        session,
        "review",
        result.study_id,
        {"review": row.id, "result": result.id, "action": row.action, "verdict": row.verdict},
    )
    worklist.project(session, result.study_id)
